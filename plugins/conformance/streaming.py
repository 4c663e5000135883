"""The contract of recognizers that take a stream, as tests."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn

import pytest
from glottis.plugins.audio import AudioFrame, silence
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.hearing import HearingConformance, Speech
from glottis.plugins.errors import ErrorCategory
from glottis.plugins.recognizer import (
    Partial,
    RecognitionOptions,
    Recognizer,
    RecognizerStream,
    Transcript,
)

FRAME_S = 0.02


class _LeftOnPurposeError(Exception):
    """Leaves the context of a stream as a failing caller would."""


class StreamConformance(HearingConformance):
    """Checks `open`. A recognizer that does not state `streaming` has to refuse it."""

    def frames(self, clip: AudioFrame) -> list[AudioFrame]:
        """Cut a clip as it comes from a microphone."""
        step = round(clip.rate_hz * FRAME_S) * 2
        return [
            AudioFrame(clip.pcm[at : at + step], clip.rate_hz) for at in range(0, len(clip.pcm), step)
        ] or [clip]

    async def stream(
        self, provider: Recognizer, frames: Sequence[AudioFrame], options: RecognitionOptions
    ) -> list[Partial | Transcript]:
        """Push frames and read at the same time; return what came."""
        async with provider.open(options) as stream:
            pushing = asyncio.ensure_future(_push(stream, frames))
            try:
                items = [item async for item in stream]
                await pushing
            finally:
                pushing.cancel()
                await asyncio.wait({pushing})
        return items

    async def test_a_stream_is_heard_or_refused(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        clip = self.clip(provider, speech)
        if not await self._streams(provider, options):
            return
        async with self.guard("a stream of speech"):
            items = await self.stream(provider, self.frames(clip), options)
        self._check_items(items, may_have_partials=provider.capabilities.partials)
        self.check_heard(items[-1], speech, "a stream of speech")
        expect(
            len(items) > 1 or not provider.capabilities.partials,
            "`partials` is stated and a stream of speech gave none",
        )

    async def test_partials_come_while_audio_does_where_they_are_stated(
        self, provider: Recognizer, speech: Speech
    ) -> None:
        if not provider.capabilities.partials:
            return
        frames = self.frames(self.clip(provider, speech))
        options = RecognitionOptions(language=speech[2])
        first: object = None
        async with self.guard("a stream of speech that is not ended"), provider.open(options) as stream:
            reading = asyncio.ensure_future(_first(stream))
            try:
                for frame in frames:
                    await stream.push(frame)
                    await asyncio.sleep(0)
                first = await reading
            finally:
                reading.cancel()
                await asyncio.wait({reading})
        expect(
            isinstance(first, Partial) and first.text.strip(),
            f"a stream of speech that is not ended should give Partials of it, not {first!r}",
        )

    async def test_a_silent_stream_gives_an_empty_text(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        if not await self._streams(provider, options):
            return
        quiet = silence(2.0, rate_hz=provider.capabilities.rate_hz)
        for frames, what in ((self.frames(quiet), "a silent stream"), ((), "a stream without audio")):
            async with self.guard(what):
                items = await self.stream(provider, frames, options)
            self._check_items(items, may_have_partials=provider.capabilities.partials)
            self.check_silent(items[-1], what)

    async def test_several_streams_at_once_are_heard(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        frames = self.frames(self.clip(provider, speech))
        if not await self._streams(provider, options):
            return
        async with self.guard(f"{self.calls_at_once} streams at once"):
            heard = await asyncio.gather(
                *(self.stream(provider, frames, options) for _ in range(self.calls_at_once))
            )
        for items in heard:
            self._check_items(items, may_have_partials=provider.capabilities.partials)
            self.check_heard(items[-1], speech, f"one of {self.calls_at_once} streams at once")

    async def test_leaving_a_stream_early_frees_it(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        frames = self.frames(self.clip(provider, speech))
        if not await self._streams(provider, options):
            return
        before = asyncio.all_tasks()
        await self.leave_stream(provider, frames[: len(frames) // 2], options)
        await self.check_tasks(before, "a stream was left early")
        async with self.guard("a stream after one that was left early"):
            items = await self.stream(provider, frames, options)
        self.check_heard(items[-1], speech, "a stream after one that was left early")

    async def test_an_error_in_the_context_of_a_stream_goes_through(
        self, provider: Recognizer, speech: Speech
    ) -> None:
        options = RecognitionOptions(language=speech[2])
        if not await self._streams(provider, options):
            return
        is_through = False
        async with self.guard("leaving a stream with an error"):
            try:
                async with provider.open(options):
                    _leave_on_purpose()
            except _LeftOnPurposeError:
                is_through = True
        expect(is_through, "the context of a stream should not swallow the error that it is left with")

    async def leave_stream(
        self, provider: Recognizer, frames: Sequence[AudioFrame], options: RecognitionOptions
    ) -> None:
        """Open a stream, push some audio, and go while it is being read."""
        context = provider.open(options)
        async with self.guard("opening a stream and pushing audio"):
            stream = await context.__aenter__()
            reading = asyncio.ensure_future(_read(stream))
            for frame in frames:
                await stream.push(frame)
        reading.cancel()
        await asyncio.wait({reading})
        async with self.grace("leaving a stream before its end"):
            await context.__aexit__(None, None, None)

    async def _streams(self, provider: Recognizer, options: RecognitionOptions) -> bool:
        """Say whether streams are on offer; where not, check that they are refused."""
        if provider.capabilities.streaming:
            return True
        guard = self.guard("open, which is not on offer,", raises=ErrorCategory.UNSUPPORTED)
        async with guard, provider.open(options):
            pass
        return False

    def _check_items(self, items: list[Partial | Transcript], *, may_have_partials: bool) -> None:
        expect(items, "a stream ended without a Transcript")
        *partials, last = items
        self.check_transcript(last, "the last item of a stream")
        expect(may_have_partials or not partials, "a stream gave partials that are not stated")
        prefix = ""
        for item in partials:
            if not isinstance(item, Partial):
                pytest.fail(f"before the end a stream should give Partials, not {item!r}")
            expect(
                item.text.startswith(item.stable_prefix),
                f"a partial's text should begin with its stable prefix: {item!r}",
            )
            expect(
                item.stable_prefix.startswith(prefix),
                f"the stable prefix {prefix!r} was taken back: the next is {item.stable_prefix!r}",
            )
            prefix = item.stable_prefix
        if isinstance(last, Transcript):
            message = f"the stable prefix {prefix!r} was taken back: the transcript is {last.text!r}"
            expect(last.text.startswith(prefix.rstrip()), message)


def _leave_on_purpose() -> NoReturn:
    raise _LeftOnPurposeError


async def _push(stream: RecognizerStream, frames: Sequence[AudioFrame]) -> None:
    for frame in frames:
        await stream.push(frame)
        await asyncio.sleep(0)
    await stream.end()


async def _first(stream: RecognizerStream) -> Partial | Transcript | None:
    async for item in stream:
        return item
    return None


async def _read(stream: RecognizerStream) -> None:
    async for _ in stream:
        pass
