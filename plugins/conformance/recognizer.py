"""The contract of recognizers, as tests."""

import asyncio
import random
from array import array
from itertools import pairwise

import pytest
from glottis.plugins.audio import AudioFrame, silence
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.hearing import Speech
from glottis.plugins.conformance.streaming import StreamConformance
from glottis.plugins.recognizer import RecognitionOptions, Recognizer, Transcript


class RecognizerConformance(StreamConformance):
    """Checks a recognizer against the speech that the subclass gives in its fixture `speech`."""

    @pytest.fixture
    def material(self, speech: Speech) -> Speech:
        return speech

    async def exercise(self, provider: Recognizer, material: Speech) -> None:
        speech = material
        options = RecognitionOptions(language=speech[2])
        clip = self.clip(provider, speech)
        async with self.guard("recognize"):
            await provider.recognize(clip, options)
        await self.cancel_early("recognize", provider.recognize(clip, options))
        if provider.capabilities.streaming:
            await self.leave_stream(provider, self.frames(clip), options)

    async def test_it_recognizes_speech(self, provider: Recognizer, speech: Speech) -> None:
        heard = await self._recognize(provider, speech)
        expect(heard.confidence > 0, "speech that was heard should have a confidence above 0")

    async def test_a_draft_is_heard_too(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2], draft=True)
        heard: object = None
        async with self.guard("recognize of a draft"):
            heard = await provider.recognize(self.clip(provider, speech), options)
        transcript = self.check_transcript(heard, "recognize of a draft")
        expect(transcript.text.strip(), "a draft of speech should have a text")

    async def test_silence_gives_an_empty_text(self, provider: Recognizer, speech: Speech) -> None:
        rate_hz = provider.capabilities.rate_hz
        for duration_s in (2.0, 0.2):
            async with self.guard(f"recognize of {duration_s:g} s of silence"):
                transcript = await provider.recognize(
                    silence(duration_s, rate_hz=rate_hz), RecognitionOptions(language=speech[2])
                )
            self.check_silent(transcript, f"recognize of {duration_s:g} s of silence")

    async def test_odd_audio_is_heard_or_refused_with_a_provider_error(
        self, provider: Recognizer, speech: Speech
    ) -> None:
        rate_hz = provider.capabilities.rate_hz
        dice = random.Random(1)  # noqa: S311  # noise that is the same each time, not a secret
        noise = array("h", (dice.randint(-8_000, 8_000) for _ in range(rate_hz)))
        odd = {
            "no audio": b"",
            "one sample": b"\x01\x00",
            "10 ms of noise": noise.tobytes()[: rate_hz // 50],
            "a second of noise": noise.tobytes(),
            "a second of the loudest sample": b"\xff\x7f" * rate_hz,
        }
        for name, pcm in odd.items():
            heard: object = None
            async with self.guard(f"recognize of {name}", may_fail=True):
                heard = await provider.recognize(
                    AudioFrame(pcm, rate_hz), RecognitionOptions(language=speech[2])
                )
            if heard is not None:
                self.check_transcript(heard, f"recognize of {name}")

    async def test_a_language_that_it_does_not_know_is_no_crash(
        self, provider: Recognizer, speech: Speech
    ) -> None:
        async with self.guard("recognize in an unknown language", may_fail=True):
            await provider.recognize(self.clip(provider, speech), RecognitionOptions(language="tlh-AQ"))

    async def test_words_have_times_where_that_is_stated(self, provider: Recognizer, speech: Speech) -> None:
        heard = await self._recognize(
            provider, speech, RecognitionOptions(language=speech[2], word_times=True)
        )
        if not provider.capabilities.word_times:
            return
        expect(heard.words, "`word_times` is stated and recognize gave no words")
        end_s = self.clip(provider, speech).duration_s
        for word in heard.words:
            expect(0.0 <= word.confidence <= 1.0, f"a word's confidence should be 0 to 1: {word!r}")
            inside = 0.0 <= word.start_s <= word.end_s <= end_s + 0.5
            expect(inside, f"a word should lie in the audio of {end_s:.2f} s: {word!r}")
        ordered = all(one.start_s <= other.start_s for one, other in pairwise(heard.words))
        expect(ordered, "words should be in the order in which they were said")

    async def test_alternatives_come_where_that_is_stated(self, provider: Recognizer, speech: Speech) -> None:
        heard = await self._recognize(
            provider, speech, RecognitionOptions(language=speech[2], alternatives=2)
        )
        expect(
            provider.capabilities.alternatives or not heard.alternatives,
            "recognize gave alternatives that are not stated",
        )
        expect(len(heard.alternatives) <= 2, "recognize gave more alternatives than were asked for")
        for other in heard.alternatives:
            expect(0.0 <= other.confidence <= 1.0, f"an alternative's confidence should be 0 to 1: {other!r}")

    async def test_it_hears_several_callers_at_once(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        clip = self.clip(provider, speech)
        what = f"{self.calls_at_once} calls of recognize at once"
        async with self.guard(what):
            heard = await asyncio.gather(
                *(provider.recognize(clip, options) for _ in range(self.calls_at_once))
            )
        for transcript in heard:
            self.check_heard(transcript, speech, f"one of {what}")

    async def test_cancelling_leaves_it_usable(self, provider: Recognizer, speech: Speech) -> None:
        options = RecognitionOptions(language=speech[2])
        await self.cancel_early("recognize", provider.recognize(self.clip(provider, speech), options))
        await self._recognize(provider, speech)

    async def _recognize(
        self, provider: Recognizer, speech: Speech, options: RecognitionOptions | None = None
    ) -> Transcript:
        given = options or RecognitionOptions(language=speech[2])
        heard: object = None
        async with self.guard("recognize"):
            heard = await provider.recognize(self.clip(provider, speech), given)
        return self.check_heard(heard, speech, "recognize")
