"""Nodes and workers on a real broker, over scripted providers."""

import asyncio
import json
import os
import signal
import sys
from array import array
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from typing import Any

import pytest
from glottis.config import Limits
from glottis.core.broker import Broker, open_broker
from glottis.core.inference import InferenceWorker, Pace, RemoteProviders
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard
from glottis.plugins import AudioFrame, Kind, Provider, ProviderSpec, Recognizer, Synthesizer
from glottis.plugins.conformance import ScriptedRecognizer, ScriptedSynthesizer
from glottis.plugins.host import InstanceState, ProviderInstance
from pydantic import SecretStr

PACE = Pace(beat_s=0.1, absent_s=1.5, greet_s=20, ack_wait_s=0.6, renew_s=0.6)
RATE_HZ = 16_000

Fake = ScriptedRecognizer | ScriptedSynthesizer
OpenWorker = Callable[..., AbstractAsyncContextManager[InferenceWorker]]


def ramp(start: int, samples: int, *, rate_hz: int = RATE_HZ) -> AudioFrame:
    """Audio of which every sample tells its place."""
    numbers = (number % 60_000 - 30_000 for number in range(start, start + samples))
    return AudioFrame(array("h", numbers).tobytes(), rate_hz)


def guard_over(
    provider: Provider,
    spec: ProviderSpec,
    *,
    name: str,
    limits: Limits | None = None,
    is_remote: bool = False,
) -> Guard[Any]:
    """A guard over a provider that has started."""
    instance = ProviderInstance(
        name=name,
        kind=spec.kind,
        plugin="test",
        spec=spec,
        limits=limits or Limits(timeout_s=60),
        provider=provider,
        state=InstanceState.READY,
        error=None,
        required=False,
        is_remote=is_remote,
    )
    return Guard(instance, fingerprint="", metrics=Metrics(), emit=lambda _: None, redact=str)


class Node:
    """A node that has workers do its work."""

    def __init__(self, broker: Broker, remote: RemoteProviders, metrics: Metrics | None = None) -> None:
        self.broker = broker
        self.remote = remote
        self.metrics = metrics or Metrics()

    async def recognizer(self, name: str = "ears", *, limits: Limits | None = None) -> Guard[Recognizer]:
        """One that is done by workers, of whom one is there or about to come."""
        guard = self.cold_recognizer(name, limits=limits)
        await guard.provider.warmup()
        return guard

    async def synthesizer(self, name: str = "mouth", *, limits: Limits | None = None) -> Guard[Synthesizer]:
        spec = ScriptedSynthesizer().spec()
        provider = await asyncio.to_thread(self.remote.make, name, spec.kind, spec)
        await provider.warmup()
        return guard_over(provider, spec, name=name, limits=limits, is_remote=True)

    def cold_recognizer(self, name: str = "ears", *, limits: Limits | None = None) -> Guard[Recognizer]:
        """One that nobody has waited for."""
        spec = ScriptedRecognizer().spec()
        provider = self.remote.make(name, spec.kind, spec)
        return guard_over(provider, spec, name=name, limits=limits, is_remote=True)


@pytest.fixture
async def node(broker: Broker) -> AsyncIterator[Node]:
    metrics = Metrics()
    async with RemoteProviders(broker, metrics, pace=PACE) as remote:
        yield Node(broker, remote, metrics)


@pytest.fixture
def worker(nats_url: str, nats_prefix: str) -> OpenWorker:
    """Run a worker with a connection of its own: `async with worker(ears, mouth, slots=2)`."""

    @asynccontextmanager
    async def opened(*fakes: Fake, **settings: Any) -> AsyncIterator[InferenceWorker]:
        names = {Kind.RECOGNIZER: "ears", Kind.SYNTHESIZER: "mouth"}
        limits = settings.pop("limits", None)
        guards = [
            guard_over(fake, fake.spec(), name=names[fake.spec().kind], limits=limits) for fake in fakes
        ]
        async with open_broker(SecretStr(nats_url), name="worker", prefix=nats_prefix) as own:
            metrics = settings.pop("metrics", None) or Metrics()
            inference = InferenceWorker(own, guards, metrics, **{"pace": PACE, **settings})
            async with inference.serving():
                yield inference

    return opened


class Killable:
    """A worker in a process of its own."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def until(self, line: str) -> None:
        """Wait until it prints a line."""
        assert self._process.stdout is not None
        while (printed := await self._process.stdout.readline()) != f"{line}\n".encode():
            assert printed, "the worker ended"

    async def kill(self) -> None:
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def process(nats_url: str, nats_prefix: str) -> Callable[[str], AbstractAsyncContextManager[Killable]]:
    """Run a worker in a process: `async with process("hanging")`; see worker_process.py."""

    @asynccontextmanager
    async def opened(act: str) -> AsyncIterator[Killable]:
        pace = json.dumps(asdict(PACE))
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.inference.worker_process", nats_url, nats_prefix, act, pace),
            stdout=PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        killable = Killable(started)
        try:
            await killable.until("serving")
            yield killable
        finally:
            await killable.kill()

    return opened
