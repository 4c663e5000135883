"""What was said and done in sessions."""

from collections.abc import Sequence

from glottis.core.store.records import InteractionRecord


class Interactions:
    """The history of all sessions."""

    async def append(self, records: Sequence[InteractionRecord]) -> None:
        """Add to history, in order; on return the records outlive a crash of MongoDB.

        Raises:
            RecordInvalid: a record holds what MongoDB cannot; none of `records` is kept.
            StoreUnavailable: MongoDB does not answer.
        """
        raise NotImplementedError

    async def history(self, session_id: str, *, limit: int) -> list[InteractionRecord]:
        """Return the newest `limit` interactions of a session, the oldest of them first."""
        raise NotImplementedError
