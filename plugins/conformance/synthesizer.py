"""The contract of synthesizers, as tests."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import SynthesizerCapabilities
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.provider import ProviderConformance, is_language_tag
from glottis.plugins.errors import ErrorCategory
from glottis.plugins.languages import best_match
from glottis.plugins.specs import Kind
from glottis.plugins.speech import SynthesisOptions
from glottis.plugins.synthesizer import Synthesizer

UNSPEAKABLE = ("", "   \n", "...", "— !?", "🙂🎉")
ODD = ("<b>5 &amp; 7</b>", "a\x00b\u200bc", "х" * 200, "Hello, мир! 你好 42 €", "A" * 3 + "\r\n\r\n" + "b")


class SynthesizerConformance(ProviderConformance):
    """Checks a synthesizer. `texts` says what to speak in a language; in others, digits are spoken.

    `shortest_audio_s` is what any of them must take to speak.
    """

    kind = Kind.SYNTHESIZER
    capabilities_type = SynthesizerCapabilities
    shortest_audio_s: ClassVar[float] = 0.1
    texts: ClassVar[Mapping[str, str]] = {
        "ru": "Привет, как дела? Сегодня хорошая погода.",
        "en": "Hello, how are you? The weather is fine today.",
        "*": "1 2 3 4 5.",
    }

    def text_in(self, language: str) -> str:
        return self.texts[best_match(language, self.texts) or "*"]

    async def speak(self, provider: Synthesizer, text: Any, options: SynthesisOptions) -> list[AudioFrame]:
        """Collect the frames and check that each is one."""
        frames = []
        async with aclosing(_generator(provider, text, options)) as stream:
            async for frame in stream:
                expect(isinstance(frame, AudioFrame), f"`synthesize` should give AudioFrames, not {frame!r}")
                frames.append(frame)
        return frames

    def check_audio(self, frames: list[AudioFrame], what: str) -> float:
        """Check that frames are real audio of one rate; return its duration in seconds."""
        rates = sorted({frame.rate_hz for frame in frames})
        expect(frames, f"{what} gave no frames")
        expect(len(rates) == 1, f"{what} gave frames of several sample rates: {rates}")
        duration_s = sum(frame.duration_s for frame in frames)
        expect(
            duration_s >= self.shortest_audio_s, f"{what} gave only {duration_s:.3f} s of audio: too little"
        )
        peak = max(max(map(abs, array("h", frame.pcm)), default=0) for frame in frames)
        expect(peak > 0, f"{what} gave {duration_s:.1f} s of digital silence")
        return duration_s

    def usual(self, provider: Synthesizer, **changes: Any) -> tuple[str, SynthesisOptions]:
        """Return a text and options that the provider states to speak."""
        language = self.tags(provider.capabilities)[0]
        return self.text_in(language), SynthesisOptions(**{"language": language, **changes})

    async def exercise(self, provider: Synthesizer, material: object) -> None:
        text, options = self.usual(provider)
        async with self.guard("synthesize"):
            await self.speak(provider, text, options)
        await self._leave_early(provider, " ".join([text] * 20), options)
        await self._cancel(provider, text, options)

    def check_capabilities(self, capabilities: Any) -> None:
        super().check_capabilities(capabilities)
        named = capabilities.emotions and all(isinstance(emotion, str) for emotion in capabilities.emotions)
        expect(named, '`emotions` should name one at the least, such as "neutral"')

    async def test_it_speaks_every_language_that_it_states(self, provider: Synthesizer) -> None:
        stated = {tag for tag in provider.capabilities.languages if tag != "*"}
        for language in sorted({*stated, *self.tags(provider.capabilities)}):
            options = SynthesisOptions(language=language)
            async with self.guard(f"synthesize in {language}"):
                frames = await self.speak(provider, self.text_in(language), options)
            self.check_audio(frames, f"synthesize in {language}")

    async def test_a_text_with_nothing_to_speak_gives_no_frames(self, provider: Synthesizer) -> None:
        _, options = self.usual(provider)
        for text in UNSPEAKABLE:
            async with self.guard(f"synthesize of {text!r}"):
                frames = await self.speak(provider, text, options)
            expect(not frames, f"{text!r} has nothing to speak and should give no frames")

    async def test_odd_text_is_spoken_or_refused_with_a_provider_error(self, provider: Synthesizer) -> None:
        _, options = self.usual(provider)
        for text in ODD:
            async with self.guard(f"synthesize of {text!r}", may_fail=True):
                await self.speak(provider, text, options)

    async def test_a_stream_of_text_is_spoken(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider)
        async with self.guard("synthesize of a stream of text"):
            frames = await self.speak(provider, _words(text), options)
        self.check_audio(frames, "synthesize of a stream of text")

    async def test_a_stream_of_text_with_nothing_to_speak_gives_no_frames(
        self, provider: Synthesizer
    ) -> None:
        _, options = self.usual(provider)
        async with self.guard("synthesize of an empty stream of text"):
            frames = await self.speak(provider, _words("... —"), options)
        expect(not frames, "a stream of text with nothing to speak should give no frames")

    async def test_audio_comes_before_the_text_has_ended_where_that_is_stated(
        self, provider: Synthesizer
    ) -> None:
        text, options = self.usual(provider)
        has_spoken = asyncio.Event()
        if not provider.capabilities.text_stream:
            has_spoken.set()

        async def pieces() -> AsyncIterator[str]:
            yield f"{text} "
            yield text
            await has_spoken.wait()
            yield f" {text}"

        doing = "synthesize of a text whose end waits for the first audio"
        async with self.guard(doing), aclosing(_generator(provider, pieces(), options)) as stream:
            async for _ in stream:
                has_spoken.set()

    async def test_closing_early_frees_it_within_the_grace(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider)
        await self._leave_early(provider, " ".join([text] * 20), options)
        await self._works(provider, "a synthesize after one that was closed early")

    async def test_cancelling_frees_it_within_the_grace(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider)
        await self._cancel(provider, text, options)
        await self._works(provider, "a synthesize after one that was cancelled")

    async def test_cancelling_frees_it_while_it_waits_for_text(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider)
        waits = asyncio.Event()

        async def pieces() -> AsyncIterator[str]:
            yield f"{text} "
            waits.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(self.speak(provider, pieces(), options))
        async with self.guard("synthesize of a stream of text"):
            await asyncio.wait(
                {task, asyncio.ensure_future(waits.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        await self.cancel("synthesize", task)
        await self._works(provider, "a synthesize after one that was cancelled as it waited for text")

    async def test_it_speaks_to_several_callers_at_once(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider)
        async with self.guard(f"{self.calls_at_once} calls of synthesize at once"):
            spoken = await asyncio.gather(
                *(self.speak(provider, text, options) for _ in range(self.calls_at_once))
            )
        for frames in spoken:
            self.check_audio(frames, f"one of {self.calls_at_once} calls of synthesize at once")

    async def test_every_listed_voice_speaks(self, provider: Synthesizer) -> None:
        async with self.guard("voices"):
            voices = await provider.voices()
        ids = [voice.id for voice in voices]
        expect(len(ids) == len(set(ids)), f"`voices` lists an id twice: {sorted(ids)}")
        for voice in voices:
            wrong = [tag for tag in voice.languages if not is_language_tag(tag) and tag != "*"]
            expect(not wrong, f"voice {voice.id} states languages that are no BCP 47 tags: {wrong}")
            spoken = [tag for tag in voice.languages if tag != "*"] or list(self.tags(provider.capabilities))
            options = SynthesisOptions(voice=voice.id, language=spoken[0])
            async with self.guard(f"synthesize with voice {voice.id}"):
                frames = await self.speak(provider, self.text_in(spoken[0]), options)
            self.check_audio(frames, f"synthesize with voice {voice.id}")

    async def test_an_unknown_voice_is_an_invalid_request(self, provider: Synthesizer) -> None:
        text, options = self.usual(provider, voice="no-such-voice")
        async with self.guard("synthesize with an unknown voice", raises=ErrorCategory.INVALID_REQUEST):
            await self.speak(provider, text, options)

    async def test_an_emotion_that_it_cannot_express_is_spoken_all_the_same(
        self, provider: Synthesizer
    ) -> None:
        text, options = self.usual(provider, emotion="no-such-emotion")
        async with self.guard("synthesize with an unknown emotion"):
            frames = await self.speak(provider, text, options)
        self.check_audio(frames, "synthesize with an unknown emotion")

    async def test_every_stated_emotion_is_spoken(self, provider: Synthesizer) -> None:
        for emotion in sorted(provider.capabilities.emotions):
            text, options = self.usual(provider, emotion=emotion)
            async with self.guard(f"synthesize with emotion {emotion}"):
                frames = await self.speak(provider, text, options)
            self.check_audio(frames, f"synthesize with emotion {emotion}")

    async def test_speed_changes_the_duration_where_that_is_stated(self, provider: Synthesizer) -> None:
        durations = []
        for speed in (0.8, 1.5):
            text, options = self.usual(provider, speed=speed)
            async with self.guard(f"synthesize at speed {speed}"):
                frames = await self.speak(provider, text, options)
            durations.append(self.check_audio(frames, f"synthesize at speed {speed}"))
        expect(
            durations[1] < durations[0] * 0.9 or not provider.capabilities.speed,
            f"at speed 1.5 a text took {durations[1]:.2f} s and at 0.8 {durations[0]:.2f} s: "
            "`speed` is stated and ignored",
        )

    async def _works(self, provider: Synthesizer, what: str) -> None:
        text, options = self.usual(provider)
        async with self.guard(what):
            frames = await self.speak(provider, text, options)
        self.check_audio(frames, what)

    async def _leave_early(self, provider: Synthesizer, text: str, options: SynthesisOptions) -> None:
        stream = _generator(provider, text, options)
        async with self.guard("the first frame of synthesize"):
            await anext(stream)
        async with self.grace("closing the iterator of synthesize"):
            await stream.aclose()

    async def _cancel(self, provider: Synthesizer, text: str, options: SynthesisOptions) -> None:
        await self.cancel_early("synthesize", self.speak(provider, text, options))


async def _words(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        await asyncio.sleep(0)
        yield f"{word} "


def _generator(
    provider: Synthesizer, text: str | AsyncIterator[str], options: SynthesisOptions
) -> AsyncGenerator[AudioFrame, None]:
    """Call `synthesize`, whose result must be closable."""
    stream = provider.synthesize(text, options)
    expect(
        isinstance(stream, AsyncGenerator), "`synthesize` should be an async generator: `async def` + `yield`"
    )
    return stream
