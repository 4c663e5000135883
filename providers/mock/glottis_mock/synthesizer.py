"""Text to tone code."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from importlib import import_module

from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    TrainedVoice,
    VoiceInfo,
    is_speakable,
    sentences,
)

from glottis_mock.alphabet import packets
from glottis_mock.configuration import MockConfig, Pitch
from glottis_mock.training import pitch_in
from glottis_mock.trouble import delay, raise_if_told

CHARACTERS_PER_WORD = 6
SHORTEST_MS, LONGEST_MS = 16, 255
MOST_CODES = 250
GAINS = {"neutral": 1.0, "calm": 0.8, "sad": 0.6, "happy": 1.2, "angry": 1.4}
"""How loud each emotion is, which is all that they change."""


class MockSynthesizer(Synthesizer):
    """Speaks sentence by sentence, each in a packet of its own."""

    config: MockConfig

    def __init__(self, context: ProviderContext, config: MockConfig) -> None:
        super().__init__(context, config)
        self._trained: dict[str, Pitch] = {}

    async def warmup(self) -> None:
        await asyncio.to_thread(import_module, "glottis_mock.waveform")

    async def health(self) -> None:
        raise_if_told(self.config)

    @property
    def version(self) -> str:
        return "1"

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        from glottis_mock.waveform import sound

        pitch = self._pitch(options.voice)
        await delay(self.config)
        async for sentence in sentences(text):
            if self.config.mute or not is_speakable(sentence):
                continue
            for codes in packets(sentence, most_codes=MOST_CODES):
                pcm = sound(
                    codes,
                    pitch=pitch,
                    symbol_ms=self._symbol_ms(options.speed),
                    rate_hz=self.config.rate_hz,
                    gain=GAINS.get(options.emotion, 1.0),
                )
                yield AudioFrame(pcm, self.config.rate_hz)

    async def voices(self) -> Sequence[VoiceInfo]:
        return [VoiceInfo(name, f"Mock, {pitch}", ("*",)) for name, pitch in self.config.voices.items()]

    async def install(self, voice: TrainedVoice) -> None:
        if voice.artefact is None:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "a voice of the mock has an artefact")
        self._trained[voice.voice_id] = await asyncio.to_thread(pitch_in, voice.artefact)

    async def remove(self, voice_id: str) -> None:
        self._trained.pop(voice_id, None)

    def _pitch(self, voice: str) -> Pitch:
        voices = self.config.voices
        if voice in self._trained:
            return self._trained[voice]
        if voice in voices:
            return voices[voice]
        if voice == DEFAULT_VOICE:
            return next(iter(voices.values()))
        raise ProviderError(
            ErrorCategory.INVALID_REQUEST, f"there is no voice {voice}; there are {', '.join(sorted(voices))}"
        )

    def _symbol_ms(self, speed: float) -> int:
        if speed <= 0:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f"a speed is positive, not {speed:g}")
        characters_per_s = self.config.words_per_minute * speed * CHARACTERS_PER_WORD / 60
        return min(max(round(1000 / characters_per_s), SHORTEST_MS), LONGEST_MS)
