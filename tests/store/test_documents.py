from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pymongo
from glottis.core.store import InteractionRecord, Store
from glottis.core.store.documents import Interaction

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


def times_to_live(url: str, database: str) -> dict[str, int]:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        return {
            f"{collection.name}.{next(iter(index['key']))}": index["expireAfterSeconds"]
            for collection in map(client[database].get_collection, client[database].list_collection_names())
            for index in collection.list_indexes()
            if "expireAfterSeconds" in index
        }


async def test_mongodb_forgets_after_the_times_that_are_set(
    open_test_store: OpenStore, mongo_url: str, mongo_database: str
) -> None:
    for history_s, audio_s in ((100, 200), (101, 201)):  # the second time the indexes are there, and change
        async with open_test_store(history_ttl_s=history_s, audio_cache_ttl_s=audio_s):
            assert times_to_live(mongo_url, mongo_database) == {
                "voice_sessions.expires_at": history_s,
                "interactions.at": history_s,
                "cached_audio.accessed_at": audio_s,
                "events.at": 300,
                "voice_conversations.forget_at": 0,
            }


async def test_the_documents_are_described(store: Store) -> None:
    described = {document.name: document for document in store.describe()}
    assert {"VoiceSession", "Interaction", "CachedAudio", "ProjectUsage", "User"} <= set(described)
    assert all(document.holds and document.fields for document in described.values())
    assert described["CachedAudio"].collection == "cached_audio"


async def test_what_is_written_by_hand_is_what_the_document_says(
    store: Store, mongo_url: str, mongo_database: str
) -> None:
    record = InteractionRecord(
        session_id="0" * 32,
        project="demo",
        user_id=None,
        at=datetime(2026, 1, 2, tzinfo=UTC),
        type="assistant",
        content={"text": "hello"},
        latencies_ms={"reply": 1.5},
        provider="rules",
    )
    await store.interactions.append([record])
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        raw = client[mongo_database]["interactions"].find_one()
    assert raw is not None
    document = Interaction.model_validate(raw)
    assert set(raw) == {"_id", *Interaction.model_fields} - {"id", "revision_id"}
    assert (document.content, document.type, document.provider) == ({"text": "hello"}, "assistant", "rules")
