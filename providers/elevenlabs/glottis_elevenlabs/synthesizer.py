"""Speech from ElevenLabs, given on as it arrives."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import httpx
from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    SynthesisOptions,
    Synthesizer,
    TrainedVoice,
    VoiceInfo,
)

from glottis_elevenlabs.abilities import abilities_of
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.expression import voice_settings
from glottis_elevenlabs.failures import NoSuchVoice, failure
from glottis_elevenlabs.languages import vendor_code
from glottis_elevenlabs.passages import Passage, Stitching, passages
from glottis_elevenlabs.provider import ElevenLabsProvider
from glottis_elevenlabs.voices import VOICE_ID, VoiceList

_NOT_AUDIO = ("application/json", "text/html", "text/plain")


class ElevenLabsSynthesizer(ElevenLabsProvider, Synthesizer):
    """Speaks a text in one request, a stream of text in one request a sentence."""

    def __init__(self, context: ProviderContext, config: ElevenLabsConfig) -> None:
        super().__init__(context, config)
        self._abilities = abilities_of(config.model_id)
        self.capabilities = replace(
            self.capabilities, languages=self._abilities.languages, speed=self._abilities.takes_speed
        )
        self._trained: set[str] = set()
        self._voices = VoiceList(self.client, spoken=self._abilities.languages)

    async def voices(self) -> Sequence[VoiceInfo]:
        """List the voices of the account; a list is good for five minutes."""
        return tuple(voice for voice in await self._voices.get() if voice.id not in self._trained)

    async def install(self, voice: TrainedVoice) -> None:
        """Note that a voice is a project's own. ElevenLabs has it: there is nothing to fetch."""
        if not VOICE_ID.fullmatch(voice.voice_id):
            raise NoSuchVoice(voice.voice_id)
        self._trained.add(voice.voice_id)

    async def remove(self, voice_id: str) -> None:
        self._trained.discard(voice_id)

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        voice = self.config.voice_id if options.voice == DEFAULT_VOICE else options.voice
        if not VOICE_ID.fullmatch(voice):
            raise NoSuchVoice(voice)
        body = self._body(options)
        stitching = Stitching()
        async with aclosing(passages(text, characters=self._abilities.characters)) as cut:
            async for passage in cut:
                async with aclosing(self._speak(passage, voice, body, stitching)) as frames:
                    async for frame in frames:
                        yield frame

    def _body(self, options: SynthesisOptions) -> dict[str, Any]:
        body: dict[str, Any] = {"model_id": self.config.model_id}
        language = vendor_code(options.language)
        known = self._abilities.languages
        if self._abilities.takes_language and language and (language in known or "*" in known):
            body["language_code"] = language
        settings = voice_settings(self.config, self._abilities, emotion=options.emotion, speed=options.speed)
        if settings:
            body["voice_settings"] = settings
        return body

    async def _speak(
        self, passage: Passage, voice: str, body: dict[str, Any], stitching: Stitching
    ) -> AsyncGenerator[AudioFrame, None]:
        stitches = self.config.stitch and self._abilities.takes_context
        response = await self.client.send(
            "POST",
            f"/v1/text-to-speech/{voice}/stream",
            voice=voice,
            params={"output_format": self.config.output_format},
            json={"text": passage.text, **body, **(stitching.context(passage) if stitches else {})},
        )
        try:
            _check_audio(response)
            half = b""
            async with aclosing(self.client.body(response)) as chunks:
                async for chunk in chunks:
                    pcm = half + chunk
                    whole = len(pcm) & ~1
                    half = pcm[whole:]
                    if whole:
                        yield AudioFrame(pcm[:whole], rate_hz=self.config.rate_hz)
            stitching.spoken(passage, request_id=response.headers.get("request-id"))
        finally:
            await response.aclose()


def _check_audio(response: httpx.Response) -> None:
    """Refuse an answer that says that it is text: played as PCM it would be loud noise."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _NOT_AUDIO:
        raise failure(ErrorCategory.INTERNAL)
