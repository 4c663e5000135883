"""Training voices from Python, over good lines and bad ones."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest
from glottis.api.client import Refused, ServerAway, Training, open_training

from tests.api.conftest import Serve, Server
from tests.recordings import recordings

from .cutting import CuttingProxy

DEPLOYMENT = """
enable = ["mock"]
[providers.mock]
use = "mock"
training_step_s = 0.1
[routes]
recognize = ["mock"]
synthesize = ["mock"]
intents = ["mock"]
train = "mock"
"""


@pytest.fixture
async def trainer(serve: Serve) -> AsyncIterator[Server]:
    async with serve(DEPLOYMENT) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> Sequence[Path]:
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for path, audio in zip(paths, recordings(), strict=False):
        path.write_bytes(audio)
    return paths


async def test_a_training_is_followed_over_lines_that_are_cut(trainer: Server, files: Sequence[Path]) -> None:
    async with (
        asyncio.timeout(30),
        CuttingProxy(trainer.address, ()).serving() as proxy,
        open_training(proxy.address, project="demo") as training,
    ):
        samples = await training.upload(files)
        assert [sample.filename for sample in samples] == ["0.wav", "1.wav", "2.wav"]
        assert samples == await training.samples()
        job = await training.start(name="Anna", language="en-US")
        states = []
        async with aclosing(training.follow(job.id)) as following:
            async for state in following:
                states.append(state)
                if not state.is_over:
                    proxy.cut_all()
    progress = [state.progress for state in states]
    assert progress == sorted(progress)
    assert len(states) > 3
    assert states == [state for number, state in enumerate(states) if state not in states[:number]]
    assert (states[-1].status, states[-1].progress, states[-1].name) == ("completed", 100.0, "Anna")
    assert states[-1].metrics["steps"] == list(range(1, 11))


async def test_a_server_that_stays_away_is_given_up(trainer: Server, files: Sequence[Path]) -> None:
    async with (
        CuttingProxy(trainer.address, ()).serving() as proxy,
        open_training(proxy.address, project="demo", patience_s=0.3) as training,
    ):
        await training.upload(files)
        job = await training.start()
        proxy.is_away = True
        proxy.cut_all()
        with pytest.raises(ServerAway, match="the server is away"):
            await last_state(training, job.id)


async def test_a_training_is_cancelled_and_a_voice_speaks(trainer: Server, files: Sequence[Path]) -> None:
    async with open_training(trainer.address, project="demo") as training:
        assert await training.newest() is None
        await training.upload(files)
        job = await training.start(language="en-US")
        assert (await training.cancel(job.id)).status == "cancelled"
        assert await last_state(training, job.id) == "cancelled"
        newest = await training.newest()
        assert newest is not None
        assert (newest.id, newest.is_over, newest.voice_id) == (job.id, True, "")
        audio, provider = await training.speak("hello", language="en-US")
    assert (audio[:4], provider) == (b"RIFF", "mock")


async def test_what_the_server_does_not_have_is_told(trainer: Server, tmp_path: Path) -> None:
    async with open_training(trainer.address, project="demo") as training:
        with pytest.raises(Refused, match="no such job"):
            await last_state(training, "0" * 32)
        with pytest.raises(Refused, match="3 more usable samples"):
            await training.start()
        with pytest.raises(FileNotFoundError):
            await training.upload([tmp_path / "nothing.wav"])


async def last_state(training: Training, job_id: str) -> str:
    """Follow a job to its end and return how it ended."""
    status = ""
    async with asyncio.timeout(30), aclosing(training.follow(job_id)) as following:
        async for state in following:
            status = state.status
    return status
