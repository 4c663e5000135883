import asyncio
import threading

import pytest
from glottis.plugins import ErrorCategory, ProviderError
from glottis.plugins.host.isolation import (
    LONGEST_ERROR,
    Hung,
    Lane,
    PluginFault,
    TookTooLong,
    call,
    call_in_thread,
    explain,
    finish,
)


def test_a_result_is_handed_back() -> None:
    assert call(lambda: 42, timeout_s=10, doing="work") == 42


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), TimeoutError("own")])
def test_whatever_a_call_raises_is_a_fault(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(PluginFault, match=f"work failed: {type(error).__name__}") as caught:
        call(fail, timeout_s=10, doing="work")
    assert caught.value.__cause__ is error


def test_a_fault_is_passed_on_as_it_is() -> None:
    def fail() -> None:
        raise PluginFault("is junk")

    with pytest.raises(PluginFault, match=r"^is junk$"):
        call(fail, timeout_s=10, doing="work")


def test_a_call_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    with pytest.raises(Hung, match=r"work took longer than 0\.1 s"):
        call(release.wait, timeout_s=0.1, doing="work")
    release.set()


async def test_the_event_loop_goes_on_while_a_call_hangs() -> None:
    release = threading.Event()
    calling = asyncio.create_task(call_in_thread(release.wait, timeout_s=20, doing="work"))
    await asyncio.sleep(0)
    assert not calling.done()
    release.set()
    assert await calling is True


async def test_a_hanging_call_in_a_thread_is_left_behind() -> None:
    release = threading.Event()
    with pytest.raises(Hung):
        await call_in_thread(release.wait, timeout_s=0.1, doing="work")
    release.set()


async def test_leaving_a_call_behind_by_cancellation_leaves_no_trace() -> None:
    release, failed = threading.Event(), threading.Event()

    def fail() -> None:
        release.wait()
        failed.set()
        raise ValueError

    calling = asyncio.create_task(call_in_thread(fail, timeout_s=20, doing="work"))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    release.set()
    assert await asyncio.to_thread(failed.wait, 10)


async def test_a_lane_makes_calls_one_after_the_other_in_one_thread() -> None:
    lane = Lane("test")
    threads = [
        await call_in_thread(threading.get_ident, timeout_s=10, doing="work", lane=lane) for _ in range(3)
    ]
    lane.close()
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TookTooLong, match=r"work took longer than 0\.1 s and was cancelled"):
        await finish(hang, timeout_s=0.1, doing="work")
    assert cancelled.is_set()


async def test_cancelling_the_caller_cancels_the_coroutine() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.create_task(finish(hang, timeout_s=20, doing="work"))
    await started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cancelled.is_set()


async def test_a_coroutine_that_cancels_itself_does_not_cancel_its_caller() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(PluginFault, match="work cancelled itself"):
        await finish(give_up, timeout_s=10, doing="work")


def test_an_explanation_is_one_line_of_bounded_length() -> None:
    text = explain(ValueError("one\n  two " + "x" * 5000))
    assert text.startswith("ValueError: one two xxx")
    assert len(text) <= LONGEST_ERROR


def test_the_public_message_of_a_provider_explains_it() -> None:
    assert explain(ProviderError(ErrorCategory.QUOTA, "no credits left")) == "quota: no credits left"
