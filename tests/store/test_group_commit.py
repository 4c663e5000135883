import asyncio
from collections.abc import Sequence

import pytest
from glottis.core.store import StoreError, StoreUnavailable
from glottis.core.store.group_commit import MAX_BATCH, GroupCommit


class Disk:
    """Commits batches when it is let to, doubling each number."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = asyncio.Semaphore(0)
        self.busy = asyncio.Event()
        self.failure: Exception | None = None

    async def commit(self, items: Sequence[int]) -> list[int | StoreError]:
        self.batches.append(list(items))
        self.busy.set()
        await self.free.acquire()
        if self.failure is not None:
            raise self.failure
        return [StoreError("odd one") if item < 0 else item * 2 for item in items]

    def let_go(self) -> None:
        for _ in range(100):
            self.free.release()


async def test_what_arrives_during_a_commit_goes_with_the_next_one() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    async with group.running(), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(group.submit(1))
        await disk.busy.wait()
        rest = [tasks.create_task(group.submit(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        disk.let_go()
    assert [first.result(), *(task.result() for task in rest)] == [2, 4, 6, 8]
    assert disk.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_its_bound() -> None:
    disk = Disk()
    disk.let_go()
    group = GroupCommit(disk.commit)
    async with group.running():
        await asyncio.gather(*(group.submit(number) for number in range(MAX_BATCH * 2 + 1)))
    assert max(len(batch) for batch in disk.batches) == MAX_BATCH


async def test_an_error_of_one_item_is_its_own() -> None:
    disk = Disk()
    disk.let_go()
    group = GroupCommit(disk.commit)
    async with group.running():
        good, bad = await asyncio.gather(group.submit(1), group.submit(-1), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, StoreError)


async def test_a_failed_commit_fails_its_batch_and_no_later_one() -> None:
    disk = Disk()
    disk.let_go()
    disk.failure = RuntimeError("bug")
    group = GroupCommit(disk.commit)
    async with group.running():
        with pytest.raises(RuntimeError):
            await group.submit(1)
        disk.failure = None
        assert await group.submit(2) == 4


async def test_who_waits_behind_an_outage_does_not_wait_for_it_again() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    async with group.running():
        first = asyncio.create_task(group.submit(1))
        await disk.busy.wait()
        second = asyncio.create_task(group.submit(2))
        await asyncio.sleep(0)
        disk.failure = StoreUnavailable("down")
        disk.let_go()
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    assert disk.batches == [[1]]


async def test_a_cancelled_caller_harms_nobody_and_its_outcome_is_handed_over() -> None:
    disk = Disk()
    unclaimed: list[int] = []
    group = GroupCommit(disk.commit, unclaimed=unclaimed.append)
    async with group.running():
        first = asyncio.create_task(group.submit(1))
        await disk.busy.wait()
        gone, stays = asyncio.create_task(group.submit(2)), asyncio.create_task(group.submit(3))
        await asyncio.sleep(0)
        disk.busy.clear()
        disk.free.release()
        await disk.busy.wait()
        gone.cancel()
        disk.let_go()
        assert (await first, await stays) == (2, 6)
    assert unclaimed == [4]
    assert gone.cancelled()


async def test_a_caller_cancelled_before_its_commit_is_left_out() -> None:
    disk = Disk()
    group = GroupCommit(disk.commit)
    async with group.running():
        first = asyncio.create_task(group.submit(1))
        await disk.busy.wait()
        gone = asyncio.create_task(group.submit(2))
        await asyncio.sleep(0)
        gone.cancel()
        disk.let_go()
        await first
    assert disk.batches == [[1]]


async def test_what_was_submitted_is_committed_before_the_end() -> None:
    disk = Disk()
    disk.let_go()
    group = GroupCommit(disk.commit)
    async with group.running():
        task = asyncio.create_task(group.submit(1))
        await asyncio.sleep(0)
    assert await task == 2


async def test_a_closed_store_takes_nothing_more() -> None:
    group = GroupCommit(Disk().commit)
    async with group.running():
        pass
    with pytest.raises(StoreUnavailable):
        await group.submit(1)
