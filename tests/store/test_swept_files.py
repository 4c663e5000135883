"""Files of writers that were killed are swept away in the end, and no others."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from glottis.core.store import Store

LONG_AGO = datetime.now(UTC) - timedelta(days=2)


async def written(store: Store) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"some bytes"

    return await store.files.write("file", pieces())


async def named(store: Store) -> str:
    """Write a file as a document would name it."""
    file_id = await written(store)
    await store.files._files.update_one({"_id": ObjectId(file_id)}, {"$unset": {"metadata.pending": ""}})
    return file_id


async def age(store: Store, file_id: str) -> None:
    await store.files._files.update_one({"_id": ObjectId(file_id)}, {"$set": {"uploadDate": LONG_AGO}})


async def test_what_nobody_has_named_for_a_day_goes(store: Store) -> None:
    forgotten, new, kept = await written(store), await written(store), await named(store)
    for file_id in (forgotten, kept):
        await age(store, file_id)
    assert await store.files.sweep() == 1
    assert await store.files.sweep() == 0
    left = {str(raw["_id"]) async for raw in store.files._files.find({})}
    assert left == {new, kept}
    assert {str(key) for key in await store.files._chunks.distinct("files_id")} == left


async def test_pieces_of_a_file_that_was_never_finished_go(store: Store) -> None:
    kept = await named(store)
    old, being_written = ObjectId.from_datetime(LONG_AGO), ObjectId()
    # Of one the first piece is gone: whoever deleted it was killed too.
    pieces = [(old, 1), (old, 2), (being_written, 0)]
    await store.files._chunks.insert_many([{"files_id": key, "n": n, "data": b"x"} for key, n in pieces])
    assert await store.files.sweep() == 1
    left = {str(key) for key in await store.files._chunks.distinct("files_id")}
    assert left == {kept, str(being_written)}
