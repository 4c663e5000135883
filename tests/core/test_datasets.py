"""How a backend is given the recordings to train with."""

import asyncio
import secrets
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from glottis.config import Settings
from glottis.core.audio import encode_clip
from glottis.core.store import SampleRecord, Store
from glottis.core.training.feed import JobFeed
from glottis.core.training.trainer import Trainer
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


@pytest.mark.usefixtures("traced")
async def test_the_recordings_of_a_training_do_not_lie_in_memory(
    store: Store, engine_of: OpenEngine, tmp_path: Path
) -> None:
    wav = await asyncio.to_thread(encode_clip, tone(SECONDS, rate_hz=16_000), "wav")
    await store.jobs.queue(
        project="demo",
        name="Anna",
        language="en",
        backend="listener",
        sample_ids=[await kept_sample(store, wav) for _ in range(SAMPLES)],
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
        async with work_dir(tmp_path / "jobs", job, store.files) as folder:
            done = await Trainer(
                job,
                guard,
                folder,
                store=store,
                routing=engine.routing,
                settings=Settings(data_dir=tmp_path),
                feed=JobFeed(store),
            ).train()
    assert done.result is not None
    metrics = done.result["metrics"]
    bytes_each = 2 * RATE_HZ * SECONDS
    assert max(held for held, *_ in metrics["heard"]) - before < 2 * bytes_each
    assert [told for _, *told in metrics["heard"]] == [[SECONDS, SECONDS, RATE_HZ]] * SAMPLES
    assert metrics["kept"] < bytes_each, "a checkpoint would hold the recordings, which the database has"
