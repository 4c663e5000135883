import asyncio
from pathlib import Path

import pytest
from glottis.core.broker import Broker, BrokerUnavailable, WorkQueue, open_broker
from pydantic import SecretStr

from tests.nats_server import nats_server


async def test_a_piece_of_work_goes_to_one_worker_with_all_that_was_said(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    await queue.put("any lane.*>", "item 1/ü", b"payload")
    async with queue.pulling("any lane.*>", ack_wait_s=30) as lane:
        delivery = await lane.take()
        assert (delivery.item, delivery.payload, delivery.count) == ("item 1/ü", b"payload", 1)
        await delivery.done()


async def test_an_item_stands_in_a_lane_but_once_and_may_come_again_when_done(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    for _ in range(3):
        await queue.put("lane", "a")
    await queue.put("lane", "b")
    async with queue.pulling("lane", ack_wait_s=30) as lane:
        first, second = await lane.take(), await lane.take()
        assert [first.item, second.item] == ["a", "b"]
        await queue.put("lane", "a")  # it is being worked on
        await first.done()
        await second.done()
        await queue.put("lane", "c")
        assert (await lane.take()).item == "c"


async def test_work_of_another_lane_is_not_taken(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=False)
    await queue.put("one", "a")
    await queue.put("two", "b")
    async with queue.pulling("two", ack_wait_s=30) as lane:
        assert (await lane.take()).item == "b"


async def test_what_nobody_of_ours_has_queued_keeps_nothing_else_from_being_taken(
    broker: Broker,
) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    await broker.publish(broker.subject("work.lane.=FF"), b"garbage")
    await queue.put("lane", "a")
    async with queue.pulling("lane", ack_wait_s=30) as lane:
        assert [(await lane.take()).payload, (await lane.take()).item] == [b"garbage", "a"]


async def test_who_falls_silent_loses_it_to_another_and_who_keeps_it_does_not(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    await queue.put("lane", "kept")
    async with queue.pulling("lane", ack_wait_s=0.5) as lane, queue.pulling("lane", ack_wait_s=0.5) as other:
        kept = await lane.take()
        await queue.put("lane", "silent")
        silent = await lane.take()
        again = asyncio.create_task(other.take())
        while not again.done():
            await kept.keep()
            await asyncio.wait({again}, timeout=0.1)
        delivery = again.result()
        assert (silent.item, delivery.item, delivery.count) == ("silent", "silent", 2)


async def test_what_is_put_off_comes_again(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    await queue.put("lane", "a")
    async with queue.pulling("lane", ack_wait_s=30) as lane:
        await (await lane.take()).later(0.05)
        assert (await lane.take()).count == 2


async def test_a_worker_that_leaves_takes_nothing_with_it(broker: Broker) -> None:
    queue = await broker.work_queue("work", is_kept=True)
    async with queue.pulling("lane", ack_wait_s=30) as lane:
        waiting = asyncio.create_task(lane.take())
        await asyncio.wait({waiting}, timeout=0.1)
        waiting.cancel()
        await asyncio.wait({waiting})
    await queue.put("lane", "a")
    async with queue.pulling("lane", ack_wait_s=30) as lane:
        assert (await lane.take()).count == 1


async def test_a_kept_queue_survives_a_killed_server_and_its_workers_go_on(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        async with open_broker(SecretStr(server.url), name="test") as broker:
            queue = await broker.work_queue("work", is_kept=True)
            async with queue.pulling("lane", ack_wait_s=30) as lane:
                taking = asyncio.create_task(lane.take())
                await queue.put("other", "before")
                server.kill()
                server.start()
                await _put(queue, "lane", "after")
                assert (await taking).item == "after"
                async with queue.pulling("other", ack_wait_s=30) as other:
                    assert (await other.take()).item == "before"


async def test_a_queue_that_the_server_has_forgotten_is_made_again(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        async with open_broker(SecretStr(server.url), name="test") as broker:
            queue = await broker.work_queue("work", is_kept=False)
            async with queue.pulling("lane", ack_wait_s=30) as lane:
                taking = asyncio.create_task(lane.take())
                server.kill()
                server.start()
                await _put(queue, "lane", "after")
                assert (await taking).item == "after"


async def _put(queue: WorkQueue, lane: str, item: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await queue.put(lane, item)
            except BrokerUnavailable:
                await asyncio.sleep(0.01)
            else:
                return


async def test_nothing_is_queued_while_the_broker_is_away(tmp_path: Path) -> None:
    with nats_server(tmp_path / "nats") as server:
        async with open_broker(SecretStr(server.url), name="test") as broker:
            queue = await broker.work_queue("work", is_kept=True)
            server.kill()
            with pytest.raises(BrokerUnavailable):
                await queue.put("lane", "a")
