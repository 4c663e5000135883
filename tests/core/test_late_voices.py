"""What becomes of a voice that its backend keeps, where the attempt that made it was too late."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from glottis.config import Settings
from glottis.core.routing import Guard
from glottis.core.store import JobRecord, Store
from glottis.core.training.feed import JobFeed
from glottis.core.training.trainer import Lost, Trainer
from glottis.plugins import (
    Kind,
    Progress,
    TrainedVoice,
    TrainingBackend,
    TrainingBackendSpec,
    TrainingCapabilities,
    TrainingJob,
    TrainingSample,
    Verdict,
)
from glottis.plugins.conformance import ScriptedSynthesizer, tone

from .conftest import OpenEngine

TOML = """
[providers.cloud]
use = "cloud"
[routes]
train = "cloud"
"""
SPEAKER = ScriptedSynthesizer(tone(0.2)).spec("cloud")
WORDS = {"en": "said"}
Attempt = Callable[[], Awaitable[Trainer]]


@dataclass(slots=True)
class Account:
    """Where voices are kept; the first attempt at a job waits before it hands its voice in."""

    is_forgetful: bool = False
    voices: set[str] = field(default_factory=set)
    has_made: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)


class Cloud(TrainingBackend):
    """Finds the voice of the attempts before; a forgetful one makes another each time."""

    account: Account

    async def validate(self, sample: TrainingSample) -> Verdict:
        return Verdict(usable=True)

    async def train(
        self, dataset: tuple[TrainingSample, ...], job: TrainingJob
    ) -> AsyncGenerator[Progress, None]:
        account = self.account
        voice_id = f"{job.id} {job.attempt}" if account.is_forgetful else job.id
        account.voices.add(voice_id)
        account.has_made.set()
        if job.attempt == 1:
            await account.goes_on.wait()
        yield Progress(100.0, voice=TrainedVoice(voice_id))

    async def delete(self, voice: TrainedVoice) -> None:
        self.account.voices.discard(voice.voice_id)


@asynccontextmanager
async def attempts_at(
    account: Account, store: Store, engine_of: OpenEngine, folder: Path
) -> AsyncIterator[Attempt]:
    """Queue a job, and give what takes it for the next attempt: nobody's lease lasts."""

    def create(context: Any, config: Any) -> Cloud:
        made = Cloud(context, config)
        made.account = account
        return made

    spec = TrainingBackendSpec(
        name="cloud", create=create, capabilities=TrainingCapabilities(max_concurrency=2)
    )
    await store.jobs.queue(
        project="demo", name="Anna", language="en", backend="cloud", sample_ids=[], message=WORDS
    )
    async with engine_of(TOML, spec, SPEAKER) as engine:
        guard: Guard[TrainingBackend] | None = engine.routing.instance(Kind.TRAINING_BACKEND, "cloud")
        assert guard is not None

        async def attempt() -> Trainer:
            job = await store.jobs.claim(node="n", backends=["cloud"], lease_s=0.0)
            assert job is not None
            settings = Settings(data_dir=folder)
            feed = JobFeed(store)
            return Trainer(
                job, guard, folder, store=store, routing=engine.routing, settings=settings, feed=feed
            )

        yield attempt


async def made_too_late(
    account: Account, attempt: Attempt, meanwhile: Callable[[], Awaitable[object]]
) -> None:
    """Have the first attempt hand in its voice after something else has happened to the job."""
    first = await attempt()
    running = asyncio.create_task(first.train())
    await account.has_made.wait()
    await meanwhile()
    account.goes_on.set()
    with pytest.raises(Lost):
        await running


async def newest(store: Store) -> JobRecord:
    (job,) = await store.jobs.newest(None, limit=1)
    return job


async def test_a_voice_that_another_attempt_has_kept_stays(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    account = Account()
    async with attempts_at(account, store, engine_of, tmp_path) as attempt:

        async def somebody_else_is_done() -> None:
            await (await attempt()).train()

        await made_too_late(account, attempt, somebody_else_is_done)
        (voice,) = await store.voices.all()
        assert account.voices == {voice.voice_id}


async def test_a_voice_that_another_attempt_may_still_find_stays(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    account = Account()
    async with attempts_at(account, store, engine_of, tmp_path) as attempt:
        await made_too_late(account, attempt, attempt)
        assert account.voices == {(await newest(store)).id}


async def test_a_voice_of_a_job_that_was_cancelled_is_deleted(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    account = Account()
    async with attempts_at(account, store, engine_of, tmp_path) as attempt:

        async def it_is_cancelled() -> None:
            await store.jobs.cancel((await newest(store)).id, message=WORDS)

        await made_too_late(account, attempt, it_is_cancelled)
        assert account.voices == set()


async def test_a_voice_beside_the_one_that_was_kept_is_deleted(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    account = Account(is_forgetful=True)
    async with attempts_at(account, store, engine_of, tmp_path) as attempt:

        async def somebody_else_is_done() -> None:
            await (await attempt()).train()

        await made_too_late(account, attempt, somebody_else_is_done)
        (voice,) = await store.voices.all()
        assert account.voices == {voice.voice_id}
