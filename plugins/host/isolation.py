"""Running a plugin's code so that it can neither raise, exit nor hang what called it.

    PluginFault
    +-- TookTooLong
        +-- Hung

A thread cannot be stopped: what hangs is left behind in a daemon thread, which keeps no process alive.
"""

import asyncio
import os
import queue
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import stevedore.extension
from glottis.plugins.errors import ProviderError

T = TypeVar("T")

CANCEL_GRACE_S = 2.0
LONGEST_ERROR = 600

# Frames of what stands between the host and a plugin say nothing of where the plugin is wrong.
_BETWEEN = (
    "<frozen",
    *(str(Path(file).parent) + os.sep for file in (__file__, metadata.__file__, pydantic.__file__)),
    stevedore.extension.__file__,
)


class PluginFault(Exception):
    """A plugin did something wrong; the message is a sentence for the operator."""


class TookTooLong(PluginFault):
    """A call took longer than it may."""


class Hung(TookTooLong):
    """A call took longer than it may, and was left behind in its thread."""


def explain(error: BaseException) -> str:
    """Put an exception in one line: its type, its message, and where in the plugin it was raised."""
    if isinstance(error, PluginFault):
        return str(error)
    if isinstance(error, ProviderError):
        return f"{error.category}: {error.public_message}"
    # Survives an exception whose own __str__ raises.
    text = " ".join(traceback.format_exception_only(error)[-1].split())
    if len(text) > LONGEST_ERROR:
        text = text[: LONGEST_ERROR - 3] + "..."
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_BETWEEN)
    ]
    if frames:
        text += f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    return text


class Lane:
    """A daemon thread that makes one call after the other."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=f"glottis-{name}", daemon=True).start()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Have the thread call `function`."""
        future: Future[T] = Future()
        # A running future cannot be cancelled, and so the thread may always set its result.
        future.set_running_or_notify_cancel()
        self._calls.put((future, function))
        return future

    def close(self) -> None:
        """Let the thread end after the calls that it has."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, sys.exit() included
                future.set_exception(error)
            else:
                future.set_result(result)
            # The thread waits for its next call, and would keep what the last one was about alive.
            del call, future, function


def call(function: Callable[[], T], *, timeout_s: float, doing: str) -> T:
    """Call `function` in a thread and wait for it.

    Raises:
        PluginFault: it raised; `doing` begins the sentence.
        Hung: it took longer than `timeout_s`.
    """
    lane = Lane(doing)
    future = lane.submit(function)
    lane.close()
    wait([future], timeout_s)
    return _outcome(future, doing, timeout_s)


async def call_in_thread(
    function: Callable[[], T], *, timeout_s: float, doing: str, lane: Lane | None = None
) -> T:
    """Do what `call` does without blocking the event loop, in a thread of its own or in `lane`."""
    used = lane or Lane(doing)
    future = used.submit(function)
    if lane is None:
        used.close()
    waiting = asyncio.wrap_future(future)
    try:
        await asyncio.wait({waiting}, timeout=timeout_s)
    finally:
        waiting.cancel()
        waiting.add_done_callback(_retrieve)
    return _outcome(future, doing, timeout_s)


async def finish(function: Callable[[], Awaitable[T]], *, timeout_s: float, doing: str) -> T:
    """Call a plugin's coroutine function, and cancel it when it takes too long.

    Raises:
        PluginFault: it raised, or was cancelled by itself.
        TookTooLong: it took longer than `timeout_s`.
    """
    task = asyncio.create_task(_contained(function), name=f"glottis-{doing}")
    task.add_done_callback(_retrieve)
    is_late = True
    try:
        await asyncio.wait({task}, timeout=timeout_s)
        is_late = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_GRACE_S)
    if is_late:
        raise TookTooLong(f"{doing} took longer than {timeout_s:.3g} s and was cancelled")
    if task.cancelled():
        raise PluginFault(f"{doing} cancelled itself")
    error = task.exception()
    if error is not None:
        raise PluginFault(f"{doing} failed: {explain(error)}") from error
    return task.result()


async def _contained(function: Callable[[], Awaitable[T]]) -> T:
    try:
        return await function()
    except SystemExit as error:
        # The event loop lets SystemExit through, which would end the server.
        raise PluginFault(explain(error)) from error


def _outcome(future: Future[T], doing: str, timeout_s: float) -> T:
    if not future.done():
        raise Hung(f"{doing} took longer than {timeout_s:.3g} s and was left behind in a thread")
    error = future.exception()
    if isinstance(error, PluginFault):
        raise error
    if error is not None:
        raise PluginFault(f"{doing} failed: {explain(error)}") from error
    return future.result()


def _retrieve(task: "asyncio.Future[Any]") -> None:
    """Look at an exception that nobody else will, or asyncio complains when the task is collected."""
    if not task.cancelled():
        task.exception()
