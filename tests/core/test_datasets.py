"""How a backend is given the recordings to train with."""

import asyncio
import secrets
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from glottis.config import Settings
from glottis.core.audio import encode_clip
from glottis.core.store import SampleRecord, Store
from glottis.core.training.feed import JobFeed
from glottis.core.training.trainer import Hopeless, Trainer
from glottis.core.training.work_dir import work_dir
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
[providers.listener]
use = "listener"
[routes]
train = "listener"
"""
RATE_HZ = 24_000
SECONDS = 20.0
SAMPLES = 8


class Listener(TrainingBackend):
    """Reads each sample, and tells how long it is and what was in memory before it came to it."""

    async def validate(self, sample: TrainingSample) -> Verdict:
        return Verdict(usable=True)

    async def train(
        self, dataset: tuple[TrainingSample, ...], job: TrainingJob
    ) -> AsyncGenerator[Progress, None]:
        heard: list[list[float]] = []
        for sample in dataset:
            held = tracemalloc.get_traced_memory()[0]
            audio = await sample.read()
            heard.append([held, sample.duration_s, audio.duration_s, audio.rate_hz])
            del audio
        (job.work_dir / "notes").write_text("all that a checkpoint holds")
        in_work_dir = sum(path.stat().st_size for path in job.work_dir.rglob("*") if path.is_file())
        yield Progress(100.0, voice=TrainedVoice(job.id, metrics={"heard": heard, "kept": in_work_dir}))


async def kept_sample(store: Store, file: bytes) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield file

    record = SampleRecord(
        id=secrets.token_hex(16),
        project="demo",
        sha256=secrets.token_hex(32),
        file_id=await store.files.write("file", pieces()),
        filename="a.wav",
        content_type="audio/wav",
        size_bytes=len(file),
        duration_s=SECONDS,
        speech_share=1.0,
        clipped_share=0.0,
        noise_db=None,
        problems=(),
        uploaded_at=datetime.now(UTC),
    )
    assert await store.samples.add([record])
    return record.id


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def trained(
    store: Store, engine_of: OpenEngine, folder: Path, sample_ids: list[str]
) -> Mapping[str, Any]:
    """Have the listener train with samples, and give what it tells of them."""
    await store.jobs.queue(
        project="demo",
        name="Anna",
        language="en",
        backend="listener",
        sample_ids=sample_ids,
        message={"en": "said"},
    )
    spec = TrainingBackendSpec(
        name="listener", create=Listener, capabilities=TrainingCapabilities(rate_hz=RATE_HZ)
    )
    async with engine_of(TOML, spec, ScriptedSynthesizer(tone(0.2)).spec("listener")) as engine:
        guard: Any = engine.routing.instance(Kind.TRAINING_BACKEND, "listener")
        job = await store.jobs.claim(node="n", backends=["listener"], lease_s=60.0)
        assert job is not None
        before = tracemalloc.get_traced_memory()[0]
        async with work_dir(folder / "jobs", job, store.files) as place:
            done = await Trainer(
                job,
                guard,
                place,
                store=store,
                routing=engine.routing,
                settings=Settings(data_dir=folder),
                feed=JobFeed(store),
            ).train()
    assert done.result is not None
    return {**done.result["metrics"], "before": before}


@pytest.mark.usefixtures("traced")
async def test_the_recordings_of_a_training_do_not_lie_in_memory(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    wav = await asyncio.to_thread(encode_clip, tone(SECONDS, rate_hz=16_000), "wav")
    samples = [await kept_sample(store, wav) for _ in range(SAMPLES)]
    told = await trained(store, engine_of, tmp_path, samples)
    bytes_each = 2 * RATE_HZ * SECONDS
    assert max(held for held, *_ in told["heard"]) - told["before"] < 2 * bytes_each
    assert [each for _, *each in told["heard"]] == [[SECONDS, SECONDS, RATE_HZ]] * SAMPLES
    assert told["kept"] < bytes_each, "a checkpoint would hold the recordings, which the database has"


async def test_a_sample_that_was_deleted_while_the_job_was_queued_is_done_without(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    wav = await asyncio.to_thread(encode_clip, tone(1.0, rate_hz=16_000), "wav")
    samples = [await kept_sample(store, wav) for _ in range(3)]
    told = await trained(store, engine_of, tmp_path, [*samples, "0f" * 16])
    assert len(told["heard"]) == 3


async def test_a_training_whose_samples_have_become_too_few_says_how_many_are_missing(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    wav = await asyncio.to_thread(encode_clip, tone(1.0, rate_hz=16_000), "wav")
    with pytest.raises(Hopeless) as raised:
        await trained(store, engine_of, tmp_path, [await kept_sample(store, wav), "0e" * 16, "0f" * 16])
    assert raised.value.said["en"] == "Training failed: usable samples missing: 2"
