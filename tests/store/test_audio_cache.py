import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import pytest
from glottis.core.store import (
    MAX_AUDIO_BYTES,
    AudioClaim,
    AudioRecord,
    AudioTaken,
    AudioTooLarge,
    Store,
    StoreError,
)

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]

MB = 1_000_000


def audio(audio_id: str, data: bytes = b"sound", *, age: timedelta = timedelta(0)) -> AudioRecord:
    now = datetime.now(UTC).replace(microsecond=0)
    return AudioRecord(
        id=audio_id,
        scope="demo",
        content_type="audio/mpeg",
        data=data,
        duration_s=1.25,
        provider="piper-joe",
        voice="joe",
        created_at=now - age,
        accessed_at=now - age,
        size_bytes=len(data),
    )


async def put(store: Store, record: AudioRecord) -> None:
    assert isinstance(await store.audio.claim(record.id, holder="h", lease_s=10), AudioClaim)
    assert await store.audio.complete(record.id, record, holder="h")


async def test_an_audio_is_kept_as_it_was_given(store: Store) -> None:
    record = audio("a", bytes(range(256)) * 400)
    await put(store, record)
    assert await store.audio.get("a") == record


async def test_a_claimed_audio_is_not_there_yet(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=10)
    assert await store.audio.get("a") is None
    assert await store.audio.get("b") is None


async def test_of_many_that_claim_an_audio_one_wins(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        claims = await asyncio.gather(
            *(
                store.audio.claim("a", holder=f"{name}{number}", lease_s=10)
                for number in range(100)
                for name, store in (("one", one), ("other", other))
            )
        )
    won = [claim for claim in claims if isinstance(claim, AudioClaim)]
    assert len(won) == 1
    assert all(isinstance(claim, AudioTaken) for claim in claims if claim not in won)


async def test_a_claim_for_what_is_there_gives_it(store: Store) -> None:
    record = audio("a")
    await put(store, record)
    assert await store.audio.claim("a", holder="late", lease_s=10) == record
    assert await store.audio.get("a") == record


async def test_a_lease_that_lapsed_is_taken_over_and_its_holder_fenced_off(store: Store) -> None:
    await store.audio.claim("a", holder="dead", lease_s=0)
    assert isinstance(await store.audio.claim("a", holder="next", lease_s=10), AudioClaim)
    assert not await store.audio.complete("a", audio("a", b"stale"), holder="dead")
    await store.audio.abandon("a", "dead")
    assert await store.audio.get("a") is None
    assert await store.audio.complete("a", audio("a", b"fresh"), holder="next")
    kept = await store.audio.get("a")
    assert kept is not None
    assert kept.data == b"fresh"


async def test_a_holder_whose_lease_lapsed_unnoticed_may_still_complete(store: Store) -> None:
    await store.audio.claim("a", holder="slow", lease_s=0)
    assert await store.audio.complete("a", audio("a"), holder="slow")


async def test_a_holder_renews_its_own_lease(store: Store) -> None:
    first = await store.audio.claim("a", holder="h", lease_s=1)
    second = await store.audio.claim("a", holder="h", lease_s=100)
    assert isinstance(first, AudioClaim)
    assert isinstance(second, AudioClaim)
    assert second.lease_until > first.lease_until + timedelta(seconds=90)


async def test_a_holder_named_like_a_field_is_but_a_name(store: Store) -> None:
    assert isinstance(await store.audio.claim("a", holder="$accessed_at", lease_s=10), AudioClaim)
    assert isinstance(await store.audio.claim("a", holder="$holder", lease_s=10), AudioTaken)


async def test_an_abandoned_claim_is_free_at_once(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=100)
    await store.audio.abandon("a", "h")
    assert isinstance(await store.audio.claim("a", holder="next", lease_s=100), AudioClaim)


async def test_abandoning_does_not_remove_an_audio(store: Store) -> None:
    await put(store, audio("a"))
    await store.audio.abandon("a", "h")
    assert await store.audio.get("a") is not None


async def test_nothing_is_completed_without_a_claim(store: Store) -> None:
    assert not await store.audio.complete("a", audio("a"), holder="h")
    assert await store.audio.get("a") is None


async def test_waiting_gives_the_audio_that_another_node_completes(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        await one.audio.claim("a", holder="one", lease_s=60)
        waiting = asyncio.create_task(other.audio.wait("a", 30))
        record = audio("a")
        await one.audio.complete("a", record, holder="one")
        assert await waiting == record


async def test_waiting_ends_when_the_claim_is_abandoned(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=60)
    waiting = asyncio.create_task(store.audio.wait("a", 30))
    await store.audio.abandon("a", "h")
    async with asyncio.timeout(5):
        assert await waiting is None


async def test_waiting_ends_when_the_lease_lapses(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=0.05)
    async with asyncio.timeout(5):
        assert await store.audio.wait("a", 30) is None


async def test_waiting_has_its_time(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=60)
    async with asyncio.timeout(5):
        assert await store.audio.wait("a", 0.05) is None


async def test_audio_too_large_for_a_document_is_refused_by_name(store: Store) -> None:
    await store.audio.claim("a", holder="h", lease_s=10)
    with pytest.raises(AudioTooLarge) as refusal:
        await store.audio.complete("a", audio("a", bytes(MAX_AUDIO_BYTES + 1)), holder="h")
    assert isinstance(refusal.value, StoreError)
    assert refusal.value.size_bytes == MAX_AUDIO_BYTES + 1
    assert await store.audio.complete("a", audio("a", bytes(MAX_AUDIO_BYTES)), holder="h")
    kept = await store.audio.get("a")
    assert kept is not None
    assert kept.size_bytes == MAX_AUDIO_BYTES


async def accessed_at(store: Store, audio_id: str) -> datetime:
    record = await store.audio.get(audio_id)
    assert record is not None
    return record.accessed_at


async def test_use_is_noted_when_the_last_note_is_an_hour_old(store: Store) -> None:
    await put(store, audio("old", age=timedelta(minutes=61)))
    await put(store, audio("young", age=timedelta(minutes=59)))
    young = await accessed_at(store, "young")
    await store.audio.touch("old")
    await store.audio.touch("young")
    await store.audio.touch("none")
    assert datetime.now(UTC) - await accessed_at(store, "old") < timedelta(minutes=1)
    assert await accessed_at(store, "young") == young


async def test_eviction_drops_what_was_used_longest_ago(store: Store) -> None:
    for number in range(10):
        await put(store, audio(str(number), bytes(MB), age=timedelta(minutes=60 - number)))
    assert await store.audio.total_bytes() == 10 * MB
    assert await store.audio.evict(5 * MB) == 6 * MB  # below the bound, so that the next store needs no look
    assert [number for number in range(10) if await store.audio.get(str(number))] == [6, 7, 8, 9]
    assert await store.audio.total_bytes() == 4 * MB


async def test_eviction_leaves_claims_alone(store: Store) -> None:
    await store.audio.claim("claimed", holder="h", lease_s=60)
    await put(store, audio("stored", bytes(MB)))
    await store.audio.evict(1)
    assert await store.audio.get("stored") is None
    assert await store.audio.complete("claimed", audio("claimed"), holder="h")


async def test_the_cache_stays_within_its_bound_with_two_nodes_storing(open_test_store: OpenStore) -> None:
    bound = 5 * MB
    async with open_test_store() as one, open_test_store() as other:
        for number in range(40):
            for name, store in (("one", one), ("other", other)):
                await put(store, audio(f"{name}{number}", bytes(MB // 10)))
                await store.audio.evict(bound)
        assert bound * 0.8 < await one.audio.total_bytes() <= bound * 1.15


async def test_a_store_looks_at_the_cache_only_after_a_fair_part_of_the_room_left(
    open_test_store: OpenStore,
) -> None:
    bound = 8 * MB
    async with open_test_store() as one, open_test_store() as other:
        assert await one.audio.evict(bound) == 0
        for number in range(9):
            await put(other, audio(f"other{number}", bytes(MB)))
        await put(one, audio("little", bytes(MB // 2)))
        assert await one.audio.evict(bound) == 0
        await put(one, audio("more", bytes(MB)))
        assert await one.audio.evict(bound) > 0
