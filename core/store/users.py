"""Who may use the API."""

from collections.abc import Sequence
from datetime import UTC, datetime

from glottis.core.store.connection import Database, answering
from glottis.core.store.documents import User, collection
from glottis.core.store.errors import UserExists
from glottis.core.store.records import UserRecord
from pymongo.errors import DuplicateKeyError


class Users:
    """The users of all nodes."""

    def __init__(self, database: Database) -> None:
        self._users = collection(database, User)

    async def add(
        self, name: str, *, password_hash: str, projects: Sequence[str] | None, replace: bool = False
    ) -> UserRecord:
        """Add a user; `projects` None means all.

        Raises:
            UserExists: the name is taken and `replace` is not set.
        """
        user = User(
            id=name,
            password_hash=password_hash,
            projects=None if projects is None else sorted(set(projects)),
            created_at=datetime.now(UTC),
        )
        raw = user.model_dump(by_alias=True)
        with answering():
            if replace:
                await self._users.replace_one({"_id": name}, raw, upsert=True)
            else:
                try:
                    await self._users.insert_one(raw)
                except DuplicateKeyError as error:
                    raise UserExists(name) from error
        return User.record(raw)

    async def remove(self, name: str) -> bool:
        """Remove a user; False where there is none."""
        with answering():
            result = await self._users.delete_one({"_id": name})
        return result.deleted_count == 1

    async def list(self) -> tuple[UserRecord, ...]:
        """Return all users by name."""
        with answering():
            found = await self._users.find().sort("_id").to_list()
        return tuple(User.record(raw) for raw in found)

    async def get(self, name: str) -> UserRecord | None:
        """Return a user."""
        with answering():
            raw = await self._users.find_one(name)
        return None if raw is None else User.record(raw)

    async def any(self) -> bool:
        """Tell whether there are users at all; without, the server is open and stays on loopback."""
        with answering():
            return await self._users.find_one({}, projection=["_id"]) is not None
