"""Trained voices: whose they are, and the synthesizers that speak them."""

import asyncio
import logging
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from glottis.core.access import Principal
from glottis.core.errors import NotFound, Unavailable, Unprocessable
from glottis.core.routing import Guard, Routing
from glottis.core.store import Store, StoredEvent, StoreUnavailable, VoiceRecord
from glottis.plugins import Kind, ProviderError, Synthesizer, TrainedVoice, TrainingBackend

_CHANGED = "training.voice_changed"
_PAUSE_S = 1.0
_ID = re.compile("[0-9a-f]{32}")

log = logging.getLogger(__name__)


class TrainedVoices:
    """The voices of all projects, as this process knows them.

    Each synthesizer learns a voice when it is first spoken here, from a copy of its artefact in `folder`.
    """

    def __init__(self, store: Store, routing: Routing, folder: Path) -> None:
        self._store = store
        self._routing = routing
        self._folder = folder
        self._voices: dict[str, VoiceRecord] = {}
        self._may_have_changed = asyncio.Event()
        self._installed: dict[str, tuple[VoiceRecord, asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Know of every voice while the context lasts."""
        with self._store.events.subscribe(_CHANGED, self._hear):
            await self._read()
            reading = asyncio.create_task(self._keep_reading(), name="trained voices")
            try:
                yield
            finally:
                tasks = [reading, *(task for _, task in self._installed.values())]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def of_project(self, project: str) -> list[VoiceRecord]:
        """List the voices that a project may use."""
        await self._read()
        return [voice for voice in self._voices.values() if voice.project == project]

    def is_trained(self, provider: str, voice_id: str) -> bool:
        """Tell whether a synthesizer's own voice is one that somebody has trained, and so not everybody's."""
        return any(
            voice.provider == provider and voice.voice_id == voice_id for voice in self._voices.values()
        )

    async def spoken(self, name: str, *, project: str) -> tuple[Guard[Synthesizer], str] | None:
        """Give the synthesizer of the trained voice that a caller names, and what it calls the voice.

        It has learnt the voice on return. None where this is no trained voice, but perhaps a provider's own.

        Raises:
            Unprocessable: it is another project's.
            Unavailable: its synthesizer does not run, or could not learn it.
        """
        named = [voice for voice in self._voices.values() if voice.voice_id == name]
        if (voice := await self._get(name)) is not None:
            named.append(voice)
        if not named:
            return None
        for voice in named:
            if voice.project == project:
                return await self._speaker_of(voice), voice.voice_id
        raise Unprocessable(f"voice: there is no voice {name}")

    async def learn(self, provider: str, voice_id: str) -> None:
        """Have a synthesizer of this process learn a voice, if it is one that was trained for it.

        For a worker: who may speak with it, the node has seen to that asks.

        Raises:
            Unavailable: the synthesizer does not run, or could not learn it.
            StoreUnavailable: nobody knows of the voice here, nor whether there is one.
        """
        named = [voice for voice in self._voices.values() if voice.voice_id == voice_id]
        if not named and (voice := await self._get(voice_id)) is not None:
            named.append(voice)
        for voice in named:
            if voice.provider == provider:
                await self._speaker_of(voice)

    async def project_of(self, name: str, principal: Principal) -> str | None:
        """Tell which project of a principal's a trained voice belongs to; None if there is none such."""
        voice = await self._get(name)
        return None if voice is None or not principal.may_see(voice.project) else voice.project

    async def _speaker_of(self, voice: VoiceRecord) -> Guard[Synthesizer]:
        guard = self._routing.instance(Kind.SYNTHESIZER, voice.provider)
        if guard is None or not guard.is_started:
            raise Unavailable(f"{voice.provider}, which speaks this voice, is not running")
        _, task = self._installed.get(voice.id, (voice, None))
        if task is None:
            task = asyncio.create_task(self._install(guard, voice), name=f"voice {voice.id}")
            self._installed[voice.id] = voice, task
            task.add_done_callback(lambda done: self._note_failure(voice.id, done))
        try:
            await asyncio.shield(task)
        except ProviderError as error:
            raise Unavailable(f"{voice.provider} cannot speak this voice: {error.public_message}") from None
        return guard

    async def announce(self, voice_id: str) -> None:
        """Tell all nodes that a voice has come or gone."""
        await self._store.events.publish(_CHANGED, voice_id)

    async def known(self, principal: Principal, voice_id: str) -> VoiceRecord:
        """Return a voice.

        Raises:
            NotFound: there is none for this principal.
        """
        voice = await self._get(voice_id)
        if voice is None or not principal.may_see(voice.project):
            raise NotFound("no such trained voice")
        return voice

    async def delete(self, voice: VoiceRecord) -> None:
        """Delete a voice everywhere: what its backend keeps, its artefact, and what synthesizers have learnt.

        Raises:
            Unavailable: the backend does not delete it; nothing has changed.
        """
        backend: Guard[TrainingBackend] | None = self._routing.instance(Kind.TRAINING_BACKEND, voice.provider)
        if backend is not None and backend.is_started:
            try:
                await backend.call(lambda provider: provider.delete(_given(voice, None)))
            except ProviderError as error:
                raise Unavailable(f"{voice.provider} could not delete it: {error.public_message}") from None
        elif voice.artefact is None:
            raise Unavailable(f"{voice.provider}, which keeps this voice, is not running")
        await self._store.voices.delete(voice.id)
        self._voices.pop(voice.id, None)
        await self.announce(voice.id)

    async def _get(self, name: str) -> VoiceRecord | None:
        if name in self._voices:
            return self._voices[name]
        if not _ID.fullmatch(name):
            return None
        # It may have been trained a moment ago, on another node.
        voice = await self._store.voices.get(name)
        if voice is not None:
            self._voices[name] = voice
        return voice

    async def _install(self, guard: Guard[Synthesizer], voice: VoiceRecord) -> None:
        if guard.is_remote:  # each worker learns it by itself
            return
        artefact = None if voice.artefact is None else await self._copy(voice)
        await guard.call(lambda provider: provider.install(_given(voice, artefact)))

    async def _copy(self, voice: VoiceRecord) -> Path:
        """Fetch an artefact; processes that share the folder share the copy too."""
        path = self._folder / voice.id
        if voice.artefact is None or await asyncio.to_thread(path.exists):
            return path
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._folder, prefix=f".{voice.id}-", delete=False) as file:
            partial = Path(file.name)
            try:
                async with aclosing(self._store.files.read(voice.artefact)) as pieces:
                    async for piece in pieces:
                        await asyncio.to_thread(file.write, piece)
            except BaseException:
                await asyncio.to_thread(partial.unlink, missing_ok=True)
                raise
        await asyncio.to_thread(shutil.move, partial, path)
        return path

    def _note_failure(self, voice_id: str, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is not None:
            self._installed.pop(voice_id, None)

    def _hear(self, _event: StoredEvent) -> None:
        self._may_have_changed.set()

    async def _keep_reading(self) -> None:
        while True:
            await self._may_have_changed.wait()
            self._may_have_changed.clear()
            try:
                await self._read()
            except StoreUnavailable:
                self._may_have_changed.set()
                await asyncio.sleep(_PAUSE_S)

    async def _read(self) -> None:
        self._voices = {voice.id: voice for voice in await self._store.voices.all()}
        for voice_id in [known for known in self._installed if known not in self._voices]:
            await self._forget(voice_id)

    async def _forget(self, voice_id: str) -> None:
        """Have the synthesizer of a voice that is gone forget it."""
        voice, task = self._installed.pop(voice_id)
        await asyncio.gather(task, return_exceptions=True)
        guard = self._routing.instance(Kind.SYNTHESIZER, voice.provider)
        if guard is not None and guard.is_started:
            try:
                await guard.call(lambda provider: provider.remove(voice.voice_id))
            except ProviderError as error:
                told = {"provider": guard.name, "category": str(error.category)}
                log.warning("voice not removed", extra=told)
        await asyncio.to_thread((self._folder / voice_id).unlink, missing_ok=True)


def _given(voice: VoiceRecord, artefact: Path | None) -> TrainedVoice:
    return TrainedVoice(voice.voice_id, artefact, voice.metrics, voice.languages)
