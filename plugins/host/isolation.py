"""Running a plugin's code so that it can neither raise, exit nor hang what called it.

    PluginFault
    +-- Hung

A thread cannot be stopped: what hangs is left behind in a daemon thread, which does not keep the process
alive.
"""

import asyncio
import os
import queue
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

CANCEL_GRACE_S = 2.0
LONGEST_ERROR = 600

_OWN_FOLDER = str(Path(__file__).parent) + os.sep


class PluginFault(Exception):  # noqa: N818 - the plugin's fault, not an error of the host
    """A plugin did something wrong; the message is a sentence for the operator."""


def explain(error: BaseException) -> str:
    """Put an exception in one line: its type, its message, and where in the plugin it was raised."""
    if isinstance(error, PluginFault):
        return str(error)
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - somebody else's __str__ may raise anything
        text = ""
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if len(text) > LONGEST_ERROR:
        text = text[: LONGEST_ERROR - 3] + "..."
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OWN_FOLDER, "<frozen"))
    ]
    if frames and not isinstance(error, SyntaxError):
        text += f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"
    return text


class Hung(PluginFault):
    """A call was left behind in its thread."""


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
            except BaseException as error:  # noqa: BLE001 - sys.exit() in a plugin must not end a thread in silence
                future.set_exception(error)
            else:
                future.set_result(result)
            del call, future, function


def call(function: Callable[[], T], *, timeout_s: float, doing: str) -> T:
    """Call `function` in a thread and wait for it.

    Raises:
        PluginFault: it raised, or took longer than `timeout_s`. `doing` begins the sentence.
    """
    lane = Lane(doing)
    future = lane.submit(function)
    lane.close()
    wait([future], timeout_s)
    if not future.done():
        raise Hung(f"{doing} took longer than {timeout_s:.3g} s and was left behind in a thread")
    return _outcome(future, doing)


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
    if not future.done():
        raise Hung(f"{doing} took longer than {timeout_s:.3g} s and was left behind in a thread")
    return _outcome(future, doing)


async def finish(function: Callable[[], Awaitable[T]], *, timeout_s: float, doing: str) -> T:
    """Call a plugin's coroutine function, and cancel it when it takes too long.

    Raises:
        PluginFault: it raised, was cancelled by itself, or took longer than `timeout_s`.
    """
    task = asyncio.create_task(_contained(function))
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_GRACE_S)
            late = True
        else:
            late = False
        task.add_done_callback(_retrieve)
    if late:
        raise PluginFault(f"{doing} took longer than {timeout_s:.3g} s and was cancelled")
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


def _outcome(future: Future[T], doing: str) -> T:
    error = future.exception()
    if isinstance(error, PluginFault):
        raise error
    if error is not None:
        raise PluginFault(f"{doing} failed: {explain(error)}") from error
    return future.result()


def _retrieve(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()
