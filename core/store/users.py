"""Who may use the API."""

from collections.abc import Sequence

from glottis.core.store.records import UserRecord


class Users:
    """The users of all nodes."""

    async def add(
        self, name: str, *, password_hash: str, projects: Sequence[str] | None, replace: bool = False
    ) -> UserRecord:
        """Add a user; `projects` None means all.

        Raises:
            UserExists: the name is taken and `replace` is not set.
        """
        raise NotImplementedError

    async def remove(self, name: str) -> bool:
        """Remove a user; False where there is none."""
        raise NotImplementedError

    async def list(self) -> tuple[UserRecord, ...]:
        """Return all users by name."""
        raise NotImplementedError

    async def get(self, name: str) -> UserRecord | None:
        """Return a user."""
        raise NotImplementedError

    async def any(self) -> bool:
        """Tell whether there are users at all; without, the server is open and stays on loopback."""
        raise NotImplementedError
