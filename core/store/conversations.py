"""Which node holds the conversation of a session, and what it left for the next one."""

from datetime import datetime, timedelta

from bson import Binary
from glottis.core.store.connection import Database, answering
from glottis.core.store.documents import VoiceConversation, collection
from glottis.core.store.errors import RecordInvalid
from glottis.core.store.records import Claim
from pymongo import ReturnDocument

MAX_STATE_BYTES = 8 * 1024 * 1024
_MARGIN = 1.1  # a session lasts a little longer than its timeout; its conversation is kept well beyond that
_GRACE = timedelta(minutes=5)


class Conversations:
    """The conversations of all nodes: each has one holder, whom its epoch tells from those before."""

    def __init__(self, database: Database, *, session_timeout_s: int) -> None:
        self._conversations = collection(database, VoiceConversation)
        self._kept = timedelta(seconds=session_timeout_s * _MARGIN) + _GRACE

    async def claim(self, session_id: str, *, node: str, now: datetime) -> Claim:
        """Take a conversation, whoever holds it, with the state that was parked for whoever comes next.

        On return the claim outlives a crash of MongoDB; what is parked under an older epoch is refused.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with answering():
            before = await self._conversations.find_one_and_update(
                {"_id": session_id},
                {
                    "$inc": {"epoch": 1},
                    "$set": {"node": node, "state": None, "forget_at": now + self._kept},
                },
                upsert=True,
                return_document=ReturnDocument.BEFORE,
            )
        return VoiceConversation.claimed(before)

    async def park(self, session_id: str, *, epoch: int, state: bytes) -> bool:
        """Leave a state for whoever claims the conversation next, instead of one left before.

        Returns False, and leaves nothing, if the conversation was claimed since, or renounced.

        Raises:
            RecordInvalid: the state is larger than the store keeps.
            StoreUnavailable: MongoDB does not answer.
        """
        if len(state) > MAX_STATE_BYTES:
            raise RecordInvalid(
                f"a parked state has {len(state)} bytes; the store keeps at most {MAX_STATE_BYTES}"
            )
        held = {"_id": session_id, "epoch": epoch, "node": {"$ne": None}}
        with answering():
            result = await self._conversations.update_one(held, {"$set": {"state": Binary(state)}})
        return result.matched_count == 1

    async def renounce(self, session_id: str, *, epoch: int) -> None:
        """Hold a conversation no longer and forget its state; nothing happens if it was claimed since.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        # The epoch stays: were it to begin anew, a holder of long ago could be taken for the next one.
        with answering():
            await self._conversations.update_one(
                {"_id": session_id, "epoch": epoch}, {"$set": {"node": None, "state": None}}
            )
