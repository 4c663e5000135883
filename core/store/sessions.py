"""Voice sessions, within limits that hold exactly over all processes and nodes."""

from datetime import datetime

from glottis.core.store.records import SessionRecord


class Sessions:
    """The sessions of all nodes."""

    async def start(
        self,
        *,
        project: str,
        owner: str | None,
        user_id: str | None,
        language: str,
        voice_provider: str | None,
        voice_id: str | None,
        project_limit: int | None,
        now: datetime,
    ) -> SessionRecord:
        """Open a session if the server and the project have a place for it.

        Raises:
            SessionLimitReached: every place is taken.
            StoreUnavailable: MongoDB does not answer.
        """
        raise NotImplementedError

    async def get(self, session_id: str) -> SessionRecord | None:
        """Return a session, also one that has ended or expired, while its history is kept."""
        raise NotImplementedError

    async def end(self, session_id: str) -> SessionRecord | None:
        """End a session, freeing its place at once; ending it again changes nothing.

        Returns the session as it now is, or None where there is none.
        """
        raise NotImplementedError

    async def count_live(self, project: str | None = None) -> int:
        """Count the places taken now in a project, or in all."""
        raise NotImplementedError
