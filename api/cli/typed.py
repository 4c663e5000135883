"""What is typed, line by line."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress

_BLOCK_BYTES = 65_536
_STDIN = 0


async def typed_lines() -> AsyncGenerator[str, None]:
    """Give the lines of standard input as they come, without those that are empty."""
    lines: asyncio.Queue[str | None] = asyncio.Queue(1)
    loop = asyncio.get_running_loop()

    def hand_over(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        rest = b""
        # Not sys.stdin: it holds a lock while it waits, and the interpreter would wait for that at its end.
        while block := os.read(_STDIN, _BLOCK_BYTES):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                hand_over(line.decode(errors="replace"))
        hand_over(rest.decode(errors="replace"))
        hand_over(None)

    def until_nobody_listens() -> None:
        with suppress(RuntimeError, OSError):
            read()

    # A daemon: who ends the program does not have to type one more line first.
    threading.Thread(target=until_nobody_listens, name="typing", daemon=True).start()
    while (line := await lines.get()) is not None:
        if line.strip():
            yield line.strip()
