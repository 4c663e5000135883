"""Random keys that all nodes share."""

import secrets
from datetime import UTC, datetime

from glottis.core.store.connection import Database, Raw, answering
from glottis.core.store.documents import SharedKey, collection
from pymongo import ReturnDocument


class Keys:
    """Keys by name, made when first asked for."""

    def __init__(self, database: Database) -> None:
        self._keys = collection(database, SharedKey)
        self._known: dict[str, bytes] = {}

    async def get_or_create(self, name: str) -> bytes:
        """Return 32 random bytes, the same for every node and for good."""
        if name not in self._known:
            fresh = {"value": secrets.token_bytes(32), "created_at": datetime.now(UTC)}
            with answering():
                document: Raw = await self._keys.find_one_and_update(  # type: ignore[assignment] # it upserts
                    {"_id": name},
                    {"$setOnInsert": fresh},
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            self._known[name] = document["value"]
        return self._known[name]
