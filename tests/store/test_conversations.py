import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from glottis.config import Settings
from glottis.core.store import (
    MAX_STATE_BYTES,
    Claim,
    RecordInvalid,
    Store,
    StoreUnavailable,
    embedded_url,
    open_store,
)

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]

SESSION = "a" * 32
NOW = datetime.now(UTC)


async def claim(store: Store, node: str = "one", session_id: str = SESSION) -> Claim:
    return await store.conversations.claim(session_id, node=node, now=NOW)


async def test_the_first_claim_finds_nothing(store: Store) -> None:
    assert await claim(store) == Claim(epoch=1, previous_node=None, state=None)
    assert await claim(store, session_id="b" * 32) == Claim(epoch=1, previous_node=None, state=None)


async def test_a_later_claim_learns_who_held_the_conversation(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        await claim(one, "one")
        assert await claim(other, "two") == Claim(epoch=2, previous_node="one", state=None)
        assert await claim(one, "one") == Claim(epoch=3, previous_node="two", state=None)


async def test_a_parked_state_is_given_to_one_claim_only(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        held = await claim(one, "one")
        assert await one.conversations.park(SESSION, epoch=held.epoch, state=b"before")
        assert await one.conversations.park(SESSION, epoch=held.epoch, state=b"\x00left\xff")
        claims = await asyncio.gather(*(claim(store, "two") for store in (one, other) for _ in range(5)))
        assert [each.state for each in claims if each.state is not None] == [b"\x00left\xff"]
        (first,) = (each for each in claims if each.state is not None)
        assert (first.epoch, first.previous_node) == (2, "one")


async def test_parallel_claims_have_epochs_of_their_own(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        claims = await asyncio.gather(*(claim(store) for store in (one, other) for _ in range(20)))
        assert sorted(each.epoch for each in claims) == list(range(1, 41))


async def test_who_was_succeeded_can_park_no_more(store: Store) -> None:
    old, new = await claim(store, "one"), await claim(store, "two")
    assert await store.conversations.park(SESSION, epoch=new.epoch, state=b"new")
    assert not await store.conversations.park(SESSION, epoch=old.epoch, state=b"old")
    assert (await claim(store)).state == b"new"


async def test_who_was_succeeded_can_renounce_nothing(store: Store) -> None:
    old, new = await claim(store, "one"), await claim(store, "two")
    await store.conversations.park(SESSION, epoch=new.epoch, state=b"new")
    await store.conversations.renounce(SESSION, epoch=old.epoch)
    assert await claim(store) == Claim(epoch=3, previous_node="two", state=b"new")


async def test_a_renounced_conversation_is_nobodys_and_its_epochs_go_on(store: Store) -> None:
    first, second = await claim(store, "one"), await claim(store, "two")
    await store.conversations.park(SESSION, epoch=second.epoch, state=b"left")
    await store.conversations.renounce(SESSION, epoch=second.epoch)
    assert not await store.conversations.park(SESSION, epoch=second.epoch, state=b"after")
    assert await claim(store, "three") == Claim(epoch=3, previous_node=None, state=None)
    for epoch in (first.epoch, second.epoch):
        assert not await store.conversations.park(SESSION, epoch=epoch, state=b"stale")


async def test_a_conversation_is_kept_for_longer_than_its_session(
    open_test_store: OpenStore, mongo_url: str, mongo_database: str
) -> None:
    async with open_test_store(session_timeout_s=7_200) as store:
        await claim(store)
    with pymongo.MongoClient[dict[str, Any]](mongo_url, tz_aware=True) as client:
        raw = client[mongo_database]["voice_conversations"].find_one(SESSION)
    assert raw is not None
    assert timedelta(hours=2) < raw["forget_at"] - NOW < timedelta(hours=3)


async def test_what_was_never_claimed_cannot_be_parked(store: Store) -> None:
    assert not await store.conversations.park(SESSION, epoch=1, state=b"x")
    await store.conversations.renounce(SESSION, epoch=1)
    assert (await claim(store)).epoch == 1


async def test_a_state_may_be_large_but_not_endless(store: Store) -> None:
    held = await claim(store)
    assert await store.conversations.park(SESSION, epoch=held.epoch, state=bytes(MAX_STATE_BYTES))
    with pytest.raises(RecordInvalid):
        await store.conversations.park(SESSION, epoch=held.epoch, state=bytes(MAX_STATE_BYTES + 1))
    assert (await claim(store)).state == bytes(MAX_STATE_BYTES)


async def test_a_parked_state_outlives_a_killed_mongod(tmp_path: Path, processes: Any) -> None:
    async with open_store(Settings(data_dir=tmp_path)) as store:
        held = await claim(store, "one")
        assert await store.conversations.park(SESSION, epoch=held.epoch, state=b"left")
        mongod = processes.mongod_at(embedded_url(tmp_path))
        ended = processes.end_of(mongod)
        os.kill(mongod, signal.SIGKILL)
        await ended()
        async with asyncio.timeout(30):
            while True:
                try:
                    taken = await claim(store, "two")
                except StoreUnavailable:
                    continue
                break
    assert taken == Claim(epoch=2, previous_node="one", state=b"left")
