"""What the tests of recognition share: speech at the right sample rate, and how well it was heard."""

import re
from typing import Any, ClassVar

import numpy as np
import pytest
import soxr
from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import RecognizerCapabilities
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.provider import ProviderConformance, is_language_tag
from glottis.plugins.recognizer import Recognizer, Transcript
from glottis.plugins.specs import Kind

Speech = tuple[AudioFrame, str, str]

_NO_WORD = re.compile(r"[^\w\s]+")


def word_error_rate(expected: str, heard: str) -> float:
    """Count the words to insert, delete or replace, for each expected word."""
    wanted, got = expected.split(), heard.split()
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(got, start=1):
            replaced = diagonal + (word != other)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, replaced)
    return row[-1] / max(len(wanted), 1)


class HearingConformance(ProviderConformance):
    """Checks transcripts of the speech that a subclass gives.

    `max_word_error_rate` is how far what is heard may be from the text, case and punctuation aside: 0.0 is
    word for word. Override `normal` where spelling has to be evened out first.
    """

    kind = Kind.RECOGNIZER
    capabilities_type = RecognizerCapabilities
    max_word_error_rate: ClassVar[float] = 0.0

    @pytest.fixture
    def speech(self) -> Speech:
        """Give speech of any sample rate, what is said in it, and its language."""
        return pytest.fail("give the test class a fixture `speech` that returns (AudioFrame, text, language)")

    def normal(self, text: str, language: str) -> str:
        """Even out what does not matter in a comparison; `language` is that of the speech."""
        return _NO_WORD.sub(" ", text.casefold())

    def clip(self, provider: Recognizer, speech: Speech) -> AudioFrame:
        """Bring the speech to the sample rate that the recognizer wants."""
        frame, rate_hz = speech[0], provider.capabilities.rate_hz
        if frame.rate_hz == rate_hz:
            return frame
        samples = np.frombuffer(frame.pcm, "<i2")
        return AudioFrame(soxr.resample(samples, frame.rate_hz, rate_hz).astype("<i2").tobytes(), rate_hz)

    def check_transcript(self, transcript: object, what: str) -> Transcript:
        """Check that something is a transcript and its values make sense."""
        if not isinstance(transcript, Transcript):
            pytest.fail(f"{what} should give a Transcript, not {transcript!r}")
        expect(isinstance(transcript.text, str), f"{what} gave {transcript.text!r} for a text")
        expect(
            0.0 <= transcript.confidence <= 1.0,
            f"{what} gave confidence {transcript.confidence}: it should be between 0 and 1",
        )
        expect(
            is_language_tag(transcript.language),
            f"{what} gave {transcript.language!r}, which is no BCP 47 language tag",
        )
        return transcript

    def check_heard(self, transcript: object, speech: Speech, what: str) -> Transcript:
        """Check a transcript against what was said."""
        heard = self.check_transcript(transcript, what)
        _, text, language = speech
        rate = word_error_rate(self.normal(text, language), self.normal(heard.text, language))
        expect(
            rate <= self.max_word_error_rate,
            f"{what} heard {heard.text!r} for {text!r}: a word error rate of {rate:.2f}, "
            f"more than {self.max_word_error_rate:g}",
        )
        return heard

    def check_silent(self, transcript: object, what: str) -> None:
        """Check that nothing was heard where nothing was said."""
        heard = self.check_transcript(transcript, what)
        expect(not heard.text.strip(), f"{what} heard {heard.text!r} in silence: it should be an empty text")

    def check_capabilities(self, capabilities: Any) -> None:
        super().check_capabilities(capabilities)
        expect(capabilities.rate_hz > 0, "`rate_hz` should be a sample rate")
        expect(
            capabilities.streaming or not capabilities.partials,
            "`partials` come from streams: state `streaming`",
        )
