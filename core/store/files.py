"""Files too large for a document, in GridFS: written and read piece by piece, never whole in memory.

A file is pending until a document names it; `keep` and `drop` belong into the transaction that writes or
deletes that document, so that neither is ever without the other. What stays pending is swept away, and so are
the pieces of a file that was never finished.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from glottis.core.store.connection import Database, Raw, answering
from glottis.core.store.encoding import object_id
from glottis.core.store.errors import RecordInvalid
from gridfs import NoFile
from gridfs.asynchronous import AsyncGridFSBucket
from pymongo import ASCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

_BUCKET = "voice_files"
_PIECE_TIMEOUT_S = 10.0
_PENDING = "metadata.pending"
_FORGOTTEN_AFTER = timedelta(hours=24)
_SWEPT_AT_ONCE = 1_000


class Files:
    """The files of all nodes."""

    def __init__(self, database: Database) -> None:
        self._bucket = AsyncGridFSBucket(database, _BUCKET)
        self._files = database[f"{_BUCKET}.files"]
        self._chunks = database[f"{_BUCKET}.chunks"]

    async def prepare(self) -> None:
        """Make the collections and their indexes: neither can be made in a transaction."""
        await self._files.create_index([("filename", ASCENDING), ("uploadDate", ASCENDING)])
        await self._files.create_index(_PENDING, sparse=True)
        await self._chunks.create_index([("files_id", ASCENDING), ("n", ASCENDING)], unique=True)

    async def write(self, name: str, pieces: AsyncIterable[bytes]) -> str:
        """Write a file, pending; if that is cancelled or fails nothing is left of it.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        key = ObjectId()
        with answering(_PIECE_TIMEOUT_S):
            stream = self._bucket.open_upload_stream_with_id(key, name, metadata={"pending": True})
        try:
            async for piece in pieces:
                with answering(_PIECE_TIMEOUT_S):
                    await stream.write(piece)
            with answering(_PIECE_TIMEOUT_S):
                await stream.close()
        except BaseException:
            with answering(_PIECE_TIMEOUT_S):
                await stream.abort()
            raise
        return str(key)

    async def read(self, file_id: str) -> AsyncGenerator[bytes, None]:
        """Give a file piece by piece.

        Raises:
            RecordInvalid: there is no such file.
            StoreUnavailable: MongoDB does not answer.
        """
        try:
            with answering(_PIECE_TIMEOUT_S):
                stream = await self._bucket.open_download_stream(object_id(file_id))
            while True:
                with answering(_PIECE_TIMEOUT_S):
                    piece = await stream.readchunk()
                if not piece:
                    return
                yield piece
        except NoFile:
            raise RecordInvalid("there is no such file") from None

    async def keep(self, file_id: str, session: AsyncClientSession) -> None:
        """Have a file stay: a document names it from now on."""
        await self._files.update_one({"_id": object_id(file_id)}, {"$unset": {_PENDING: ""}}, session=session)

    async def drop(self, file_id: str, session: AsyncClientSession | None = None) -> None:
        """Delete a file."""
        key = object_id(file_id)
        await self._files.delete_one({"_id": key}, session=session)
        await self._chunks.delete_many({"files_id": key}, session=session)

    async def discard(self, file_id: str) -> None:
        """Delete a file that no document names.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with answering(_PIECE_TIMEOUT_S):
            await self.drop(file_id)

    async def sweep(self) -> int:
        """Delete what has been pending for a day, and fragments: whoever wrote it is gone. Tells how many.

        A fragment is what a writer left that was killed before its last piece: no file, only pieces of one.
        """
        forgotten = datetime.now(UTC) - _FORGOTTEN_AFTER
        pending = {_PENDING: True, "uploadDate": {"$lt": forgotten}}
        with answering(_PIECE_TIMEOUT_S):
            found = await self._files.find(pending, projection={"_id": 1}).to_list(_SWEPT_AT_ONCE)
            fragments = await self._chunks.aggregate(_fragments(before=forgotten))
            found += await fragments.to_list()
        for raw in found:
            await self.discard(str(raw["_id"]))
        return len(found)


def _fragments(*, before: datetime) -> list[Raw]:
    """Find the keys of pieces without a file; a key tells when its writer began."""
    return [
        {"$match": {"files_id": {"$lt": ObjectId.from_datetime(before)}}},
        {"$group": {"_id": "$files_id"}},
        {"$lookup": {"from": f"{_BUCKET}.files", "localField": "_id", "foreignField": "_id", "as": "file"}},
        {"$match": {"file": []}},
        {"$limit": _SWEPT_AT_ONCE},
    ]
