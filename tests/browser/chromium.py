"""Headless Chromium with a microphone that plays a file, driven through its DevTools protocol."""

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

CHROMIUM = "/usr/bin/chromium"
START_S = 60.0
ANSWER_S = 40.0
TELL = "tell"
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--remote-debugging-port=0",
)


class Page:
    """One page of the browser. What it says with `tell(text)` comes out of `told`."""

    def __init__(self, devtools: ClientConnection) -> None:
        self._devtools = devtools
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._told: asyncio.Queue[Any] = asyncio.Queue()
        self._session: dict[str, str] = {}

    async def open(self, url: str) -> None:
        """Go to an address; scripts that run there may `tell`."""
        target = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        await self._call("Runtime.enable")
        await self._call("Runtime.addBinding", name=TELL)
        await self._call("Page.navigate", url=url)

    async def told(self) -> Any:
        """Wait for the next thing that the page tells, read as JSON.

        Raises:
            AssertionError: a script of the page failed.
        """
        said = await self._told.get()
        if isinstance(said, AssertionError):
            raise said
        return said

    async def evaluate(self, expression: str) -> Any:
        """Run JavaScript in the page and return what its promise gives.

        Raises:
            AssertionError: it failed.
        """
        answer = await self._call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def read(self) -> None:
        """Take what the browser sends, until it has closed."""
        with suppress(ConnectionClosed):
            async for received in self._devtools:
                self._take(json.loads(received))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._answers.pop(message["id"])
            if not answer.done():
                answer.set_result(message)
        elif message["method"] == "Runtime.bindingCalled":
            self._told.put_nowait(json.loads(message["params"]["payload"]))
        elif message["method"] == "Runtime.exceptionThrown":
            self._told.put_nowait(AssertionError(message["params"]["exceptionDetails"]))

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params, **self._session}
        await self._devtools.send(json.dumps(message))
        async with asyncio.timeout(ANSWER_S):
            answered = await answer
        assert "error" not in answered, answered["error"]
        result: dict[str, Any] = answered["result"]
        return result


@asynccontextmanager
async def browsing(folder: Path, *, microphone: Path) -> AsyncIterator[Page]:
    """Run a browser whose microphone plays a WAV file once; `folder` is for its profile."""
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *_OPTIONS,
        f"--user-data-dir={folder}",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
        "about:blank",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env={**os.environ, "HOME": str(folder)},
        start_new_session=True,
    )
    assert process.stderr is not None
    draining: asyncio.Task[bytes] | None = None
    try:
        address = await _devtools(process)
        draining = asyncio.create_task(process.stderr.read())
        async with connect(address, max_size=None) as devtools:
            page = Page(devtools)
            reading = asyncio.create_task(page.read())
            try:
                yield page
            finally:
                reading.cancel()
                await asyncio.wait({reading})
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if draining is not None:
            await draining


async def _devtools(process: Process) -> str:
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(START_S):
        while line := await process.stderr.readline():
            said += line
            if found := re.search(rb"DevTools listening on (ws://\S+)", line):
                return found[1].decode()
    raise AssertionError(said.decode(errors="replace"))
