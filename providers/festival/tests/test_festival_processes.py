"""What becomes of the processes when something goes wrong."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions
from glottis_festival.synthesizer import FestivalSynthesizer

MakeFestival = Callable[..., FestivalSynthesizer]
RUSSIAN = SynthesisOptions(language="ru-RU")
LONG = "Съешь ещё этих мягких французских булок, да выпей чаю, " * 5 + "пожалуйста."


def festivals(parent: int) -> list[int]:
    """List the Festival processes that a process has started."""
    children = (Path("/proc") / str(parent) / "task" / str(parent) / "children").read_text().split()
    return [int(pid) for pid in children if b"festival" in (Path("/proc") / pid / "cmdline").read_bytes()]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def spoken_s(festival: FestivalSynthesizer, text: str = "Да.") -> float:
    return sum([frame.duration_s async for frame in festival.synthesize(text, RUSSIAN)])


@pytest.fixture
def festival(make_festival: MakeFestival) -> FestivalSynthesizer:
    return make_festival(voices=["msu_ru_nsh_clunits"])


async def test_a_process_is_used_again(festival: FestivalSynthesizer) -> None:
    await festival.warmup()
    before = festivals(os.getpid())
    for _ in range(5):
        assert await spoken_s(festival)
    assert festivals(os.getpid()) == before
    assert len(before) == 1


async def test_there_are_as_many_processes_as_configured(make_festival: MakeFestival) -> None:
    festival = make_festival(processes=2, voices=["kal_diphone"])
    await festival.warmup()
    assert len(festivals(os.getpid())) == 2
    await festival.aclose()
    assert festivals(os.getpid()) == []


async def test_one_that_is_killed_is_replaced(festival: FestivalSynthesizer) -> None:
    await festival.warmup()
    (killed,) = festivals(os.getpid())
    os.kill(killed, signal.SIGKILL)
    with suppress(ProviderError):  # unless its end is noticed before the call
        await spoken_s(festival)
    assert await spoken_s(festival)
    assert killed not in festivals(os.getpid())


async def test_one_that_hangs_is_given_up_and_replaced(make_festival: MakeFestival) -> None:
    festival = make_festival(sentence_timeout_s=0.3, voices=["msu_ru_nsh_clunits"])
    await festival.warmup()
    (stopped,) = festivals(os.getpid())
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(ProviderError) as raised:
        await spoken_s(festival)
    assert raised.value.category is ErrorCategory.TIMEOUT
    await festival.health()
    assert festivals(os.getpid()) != [stopped]
    assert not is_running(stopped)


async def test_cancelling_returns_at_once_and_frees_a_process_that_hangs(make_festival: MakeFestival) -> None:
    festival = make_festival(sentence_timeout_s=60, voices=["msu_ru_nsh_clunits"])
    await festival.warmup()
    (stopped,) = festivals(os.getpid())
    os.kill(stopped, signal.SIGSTOP)
    call = asyncio.ensure_future(spoken_s(festival))
    async with asyncio.timeout(10):
        assert not (await asyncio.wait({call}, timeout=0.1))[0]
        call.cancel()
        await asyncio.wait({call})
        assert await spoken_s(festival)
    assert not is_running(stopped)


async def test_closing_in_the_middle_keeps_the_process_for_the_next_call(
    festival: FestivalSynthesizer,
) -> None:
    await festival.warmup()
    before = festivals(os.getpid())
    for _ in range(3):
        async with aclosing(festival.synthesize(f"{LONG} {LONG} {LONG}", RUSSIAN)) as frames:
            await anext(frames)
        call = asyncio.ensure_future(spoken_s(festival))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait({call})
    assert await spoken_s(festival)
    assert festivals(os.getpid()) == before


async def test_closing_the_provider_in_the_middle_of_a_sentence_leaves_no_process(
    festival: FestivalSynthesizer,
) -> None:
    await festival.warmup()
    (pid,) = festivals(os.getpid())
    call = asyncio.ensure_future(spoken_s(festival, LONG))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    await festival.aclose()
    assert not is_running(pid)


SERVER = """
import asyncio, logging, sys
from pathlib import Path
from glottis.plugins import ProviderContext, SynthesisOptions, SynthesizerCapabilities
from glottis_festival.config import FestivalConfig
from glottis_festival.synthesizer import FestivalSynthesizer

async def main():
    context = ProviderContext("festival", Path("."), SynthesizerCapabilities(), logging.getLogger())
    festival = FestivalSynthesizer(context, FestivalConfig(voices=["msu_ru_nsh_clunits"]))
    async for frame in festival.synthesize("слово за слово, " * 100000, SynthesisOptions(language="ru")):
        print("spoken", flush=True)

asyncio.run(main())
"""


def test_no_process_outlives_a_server_that_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"spoken\n"
        (pid,) = festivals(server.pid)
        with os.fdopen(os.pidfd_open(pid)) as ended:
            server.kill()
            # A pidfd becomes readable when its process ends.
            assert select.select([ended], [], [], 10.0)[0]
