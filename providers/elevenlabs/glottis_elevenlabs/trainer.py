"""Voices cloned by ElevenLabs, which keeps them: the synthesizer of the same account speaks them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import httpx
from glottis.plugins import (
    ErrorCategory,
    Progress,
    ProviderContext,
    ProviderError,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    Verdict,
    primary,
)

from glottis_elevenlabs.abilities import abilities_of
from glottis_elevenlabs.answers import Created, Voice, decode
from glottis_elevenlabs.cloning import Recordings, clone_name, recordings, remember, remembered, verdict
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.failures import NoSuchVoice
from glottis_elevenlabs.languages import vendor_code
from glottis_elevenlabs.provider import ElevenLabsProvider
from glottis_elevenlabs.voices import VOICE_ID, all_voices

_PREPARED, _MADE = 5.0, 90.0

_SENDING = {"en": "ElevenLabs is learning the voice", "ru": "ElevenLabs изучает голос"}
_LOOKING = {"en": "Looking for the voice at ElevenLabs", "ru": "Ищу голос в ElevenLabs"}
_READY = {"en": "The voice is ready", "ru": "Голос готов"}


@dataclass(frozen=True, slots=True)
class _Clone:
    voice_id: str
    requires_verification: bool


class ElevenLabsTrainer(ElevenLabsProvider, TrainingBackend):
    """Has a voice cloned in one request; a job makes one voice, however often it is begun."""

    def __init__(self, context: ProviderContext, config: ElevenLabsConfig) -> None:
        super().__init__(context, config)
        self._spoken = abilities_of(config.model_id).languages
        self.capabilities = replace(self.capabilities, languages=self._spoken)

    async def validate(self, sample: TrainingSample) -> Verdict:
        return await asyncio.to_thread(verdict, await sample.read())

    async def train(
        self, dataset: tuple[TrainingSample, ...], job: TrainingJob
    ) -> AsyncGenerator[Progress, None]:
        chosen = await recordings(dataset)
        if not chosen.files:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST, "none of the recordings can be sent to ElevenLabs"
            )
        known = await asyncio.to_thread(remembered, job.work_dir)
        # A training that has come this far once does not fall back, even where its voice is gone.
        begun = _PREPARED if known is None else _MADE
        yield Progress(begun, _LOOKING, stage=TrainingStage.PREPARING)
        clone = await self._still_there(known) or await self._made_before(job)
        if clone is None:
            yield Progress(begun, _SENDING)
            clone = await self._make(chosen, job)
        await asyncio.to_thread(remember, job.work_dir, clone.voice_id)
        yield Progress(_MADE, _READY, is_checkpoint=True)
        yield Progress(100.0, _READY, self._described(clone, chosen, job))

    async def delete(self, voice: TrainedVoice) -> None:
        if not VOICE_ID.fullmatch(voice.voice_id):
            return
        path = f"/v1/voices/{voice.voice_id}"
        try:
            response = await self.client.send("DELETE", path, voice=voice.voice_id)
        except NoSuchVoice:
            return
        await response.aclose()

    async def _still_there(self, voice_id: str | None) -> _Clone | None:
        """Check on a voice that this job has made; it may have been deleted since."""
        if voice_id is None or not VOICE_ID.fullmatch(voice_id):
            return None
        try:
            answer = await self.client.json("GET", f"/v1/voices/{voice_id}", voice=voice_id)
        except NoSuchVoice:
            return None
        return _clone_of(decode(Voice, answer))

    async def _made_before(self, job: TrainingJob) -> _Clone | None:
        """Look for the voice of a process that died, or lost its connection, before it learnt the id."""
        name = clone_name(job)
        async with aclosing(all_voices(self.client, category="cloned")) as voices:
            async for voice in voices:
                if voice.name == name:
                    return _clone_of(voice)
        return None

    async def _make(self, chosen: Recordings, job: TrainingJob) -> _Clone:
        fields = {
            "name": clone_name(job),
            "description": "Trained by Glottis, which deletes it when its own voice is deleted.",
            "remove_background_noise": json.dumps(self.config.remove_background_noise),
        }
        language = vendor_code(job.language)
        if language is not None:
            fields["labels"] = json.dumps({"language": language})
        patience_s = self.config.training_timeout_s
        answer = await self.client.json(
            "POST",
            "/v1/voices/add",
            data=fields,
            files=[
                ("files", (f"sample-{number}.wav", file, "audio/wav"))
                for number, file in enumerate(chosen.files, 1)
            ],
            timeout=httpx.Timeout(patience_s, connect=self.config.connect_timeout_s),
        )
        created = decode(Created, answer)
        return _Clone(created.voice_id, created.requires_verification)

    def _described(self, clone: _Clone, chosen: Recordings, job: TrainingJob) -> TrainedVoice:
        if clone.requires_verification:
            self.context.log.warning("a cloned voice waits to be verified on ElevenLabs' site")
        metrics = {
            "samples": len(chosen.files),
            "samples_left_out": chosen.left_out,
            "speech_s": round(chosen.speech_s, 1),
            "requires_verification": clone.requires_verification,
        }
        others = sorted(self._spoken - {primary(job.language)})
        return TrainedVoice(clone.voice_id, metrics=metrics, languages=(job.language, *others))


def _clone_of(voice: Voice) -> _Clone:
    asked = voice.voice_verification
    return _Clone(voice.voice_id, asked is not None and asked.requires_verification and not asked.is_verified)
