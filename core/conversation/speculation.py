"""Answers prepared for what somebody seems to have said, before it is certain that they have finished."""

import asyncio
from collections.abc import Callable

from glottis.core.conversation.reply import PreparedReply


class Speculation:
    """Holds at most one answer that nobody has heard or written down, and may yet be dropped."""

    def __init__(self, prepare: Callable[[str], PreparedReply]) -> None:
        self._prepare = prepare
        self._held: PreparedReply | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def consider(self, text: str) -> None:
        """Prepare the answer to a reading that may prove to be the final one."""
        if self._held is not None and self._held.said == text:
            return
        self.drop()
        if text:
            self._held = self._prepare(text)

    def take(self, text: str) -> PreparedReply | None:
        """Give the answer that was prepared for just this text, if one was; any other is dropped.

        One that has failed too: what failed then may go well now.
        """
        held = self._held
        if held is None or held.said != text or held.has_failed:
            self.drop()
            return None
        self._held = None
        return held

    def drop(self) -> None:
        """Forget what was prepared: they went on speaking."""
        held, self._held = self._held, None
        if held is not None:
            held.abandon()
            closing = asyncio.create_task(held.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        self.drop()
        if self._closing:
            await asyncio.wait(self._closing)
