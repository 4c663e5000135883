import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from glottis.core.store import InteractionRecord, RecordInvalid, Store

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def said(text: str, **chosen: Any) -> InteractionRecord:
    facts: dict[str, Any] = {
        "session_id": "a" * 32,
        "project": "demo",
        "user_id": None,
        "at": NOW,
        "type": "user",
        "content": {"text": text},
    }
    return InteractionRecord(**(facts | chosen))


def texts(history: list[InteractionRecord]) -> list[str]:
    return [record.content["text"] for record in history]


async def test_an_interaction_is_kept_as_it_was_given(store: Store) -> None:
    record = said(
        "Покажи мне раздел с ценами",
        type="assistant",
        user_id="u1",
        content={"text": "Вот", "sources": [{"url": "/pricing", "score": 0.5}], "a.b": None, "$c": True},
        latencies_ms={"intent": 1.5},
        provider="piper-joe",
        id="6922" * 6,
        seq=7,
    )
    await store.interactions.append([record])
    assert await store.interactions.history("a" * 32, limit=50) == [record]


async def test_history_gives_the_newest_oldest_first(store: Store) -> None:
    for second in range(5):
        await store.interactions.append([said(str(second), at=NOW + timedelta(seconds=second))])
    assert texts(await store.interactions.history("a" * 32, limit=3)) == ["2", "3", "4"]


async def test_what_happened_in_the_same_millisecond_keeps_its_order(store: Store) -> None:
    await store.interactions.append([said(str(number)) for number in range(20)])
    await store.interactions.append([said(str(number)) for number in range(20, 25)])
    assert texts(await store.interactions.history("a" * 32, limit=200)) == [str(n) for n in range(25)]


async def test_history_is_of_one_session(store: Store) -> None:
    await store.interactions.append([said("mine"), said("theirs", session_id="b" * 32)])
    assert texts(await store.interactions.history("a" * 32, limit=50)) == ["mine"]
    assert await store.interactions.history("c" * 32, limit=50) == []


async def test_parallel_appends_are_all_kept_and_counted_by_project(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        await asyncio.gather(
            *(
                store.interactions.append([said(f"{number}"), said(f"{number}", project="other")])
                for number in range(200)
                for store in (one, other)
            )
        )
        assert (await one.usage.totals("demo")).interactions_total == 400
        assert (await one.usage.totals("other")).interactions_total == 400
        assert len(await one.interactions.history("a" * 32, limit=1_000)) == 800


async def test_appending_nothing_is_no_work(store: Store) -> None:
    await store.interactions.append([])
    assert (await store.usage.totals("demo")).interactions_total == 0


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "content",
    [
        {"n": 2**70},
        {"text": "half a pair: \ud800"},
        {"set": {1, 2}},
        {"deep": nested(60)},
        {"deep": [[nested(50)]]},
        {"text": "x" * 2_000_000},
        {"params": {"$ref": "users", "$id": 1}},
        {1: "a key that is no text"},
    ],
    ids=["integer", "surrogate", "type", "depth", "depth in lists", "size", "reference", "key"],
)
async def test_what_mongodb_cannot_hold_fails_its_caller_alone(store: Store, content: dict[str, Any]) -> None:
    bad, good = await asyncio.gather(
        store.interactions.append([said("first of a pair"), said("", content=content)]),
        store.interactions.append([said("good")]),
        return_exceptions=True,
    )
    assert isinstance(bad, RecordInvalid)
    assert good is None
    assert texts(await store.interactions.history("a" * 32, limit=50)) == ["good"]


async def test_an_amendment_merges_into_the_content(open_test_store: OpenStore) -> None:
    async with open_test_store() as store, open_test_store() as other:
        record = said("Hello there", id=store.interactions.make_id(), content={"text": "Hello there", "n": 1})
        neighbour = said("untouched")
        await store.interactions.append([record, neighbour])
        await other.interactions.amend(
            "a" * 32, str(record.id), {"interrupted": True, "n": 2, "a.b": {"c": 1}, "$d": "$text"}
        )
        amended, left = await store.interactions.history("a" * 32, limit=50)
    assert amended.content == {
        "text": "Hello there",
        "interrupted": True,
        "n": 2,
        "a.b": {"c": 1},
        "$d": "$text",
    }
    assert amended.id == record.id
    assert left.content == neighbour.content


async def test_an_amendment_may_tell_the_times_anew(store: Store) -> None:
    record = said("Hello", id=store.interactions.make_id())
    await store.interactions.append([record])
    times = {"reply": 1.5, "first_audio": 70.25}
    await store.interactions.amend("a" * 32, str(record.id), {}, latencies_ms=times)
    (amended,) = await store.interactions.history("a" * 32, limit=50)
    assert (amended.content, amended.latencies_ms) == (record.content, times)


async def test_what_is_still_being_appended_can_be_amended(store: Store) -> None:
    ids = [store.interactions.make_id() for _ in range(20)]
    calls = []
    for each in ids:
        calls.append(store.interactions.append([said("whole", id=each)]))
        calls.append(store.interactions.amend("a" * 32, each, {"text": "half"}))
    await asyncio.gather(*calls)
    assert texts(await store.interactions.history("a" * 32, limit=50)) == ["half"] * 20
    assert (await store.usage.totals("demo")).interactions_total == 20


async def test_only_an_interaction_of_the_session_is_amended(store: Store) -> None:
    known = store.interactions.make_id()
    await store.interactions.append([said("mine", id=known)])
    await store.interactions.amend("b" * 32, known, {"text": "theirs"})
    await store.interactions.amend("a" * 32, store.interactions.make_id(), {"text": "nobody's"})
    assert texts(await store.interactions.history("a" * 32, limit=50)) == ["mine"]


async def test_ids_made_one_after_the_other_keep_their_order(store: Store) -> None:
    ids = [store.interactions.make_id() for _ in range(10)]
    await store.interactions.append([said(each, id=each) for each in reversed(ids)])
    assert texts(await store.interactions.history("a" * 32, limit=50)) == ids


async def test_an_id_that_is_taken_fails_its_caller_alone(store: Store) -> None:
    taken = store.interactions.make_id()
    await store.interactions.append([said("first", id=taken)])
    good, bad, also_good = await asyncio.gather(
        store.interactions.append([said("good")]),
        store.interactions.append([said("not kept"), said("second", id=taken)]),
        store.interactions.append([said("also good")]),
        return_exceptions=True,
    )
    assert isinstance(bad, RecordInvalid)
    assert (good, also_good) == (None, None)
    kept = texts(await store.interactions.history("a" * 32, limit=50))
    assert sorted(kept) == ["also good", "first", "good"]
    assert (await store.usage.totals("demo")).interactions_total == 3


@pytest.mark.parametrize("name", ["", "twelve bytes", "g" * 24, "a" * 23])
async def test_what_is_no_id_is_refused(store: Store, name: str) -> None:
    with pytest.raises(RecordInvalid):
        await store.interactions.append([said("x", id=name)])
    with pytest.raises(RecordInvalid):
        await store.interactions.amend("a" * 32, name, {})
    with pytest.raises(RecordInvalid):
        await store.interactions.amend("a" * 32, "a" * 24, {"n": 2**70})
