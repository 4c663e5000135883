"""A worker: does what the servers of a deployment leave to it, and answers nobody else."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from glottis.config import Deployment, Settings
from glottis.core.broker import Broker, BrokerUnavailable
from glottis.core.inference import InferenceWorker
from glottis.core.platform import Engine, broker_of, open_engine, open_training
from glottis.core.store import Store, open_store
from glottis.plugins import Kind
from glottis.plugins.host import LoadedPlugins

_KINDS = {"recognize": Kind.RECOGNIZER, "synthesize": Kind.SYNTHESIZER}

WORKER_KINDS = ("train", "recognize", "synthesize")
"""What a worker may do, named as in the routes of plugins.toml."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker at work: what it does, and by which instances."""

    engine: Engine
    store: Store
    broker: Broker
    work: Mapping[str, tuple[str, ...]]


@asynccontextmanager
async def open_worker(
    settings: Settings,
    deployment: Deployment,
    *,
    kinds: Collection[str],
    slots: int | None = None,
    environment: Mapping[str, str] | None = None,
    loaded: LoadedPlugins | None = None,
) -> AsyncIterator[Worker]:
    """Work while the context lasts.

    `slots` is how many trainings are done at once, one by default, and how many requests each provider gets
    at once, by default as many as it takes.

    `deployment` is the whole one, as the servers have it. In the end, trainings are put back for others.

    Raises:
        ConfigError: plugins.toml asks for what cannot be had.
        BrokerUnavailable: the broker is not there.
    """
    held = deployment.for_worker(kinds)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        broker = await stack.enter_async_context(broker_of(settings, name="glottis worker"))
        if broker is None:
            raise BrokerUnavailable("a worker gets its work through NATS: set GLOTTIS_NATS_URL")
        engine = await stack.enter_async_context(
            open_engine(settings, held, environment=environment, loaded=loaded, broker=broker)
        )
        trains = (slots or 1) if "train" in kinds else 0
        trained, _ = await stack.enter_async_context(open_training(engine, store, broker, slots=trains))
        guards = {
            (key, name): engine.routing.instance(_KINDS[key], name)
            for key, name in sorted(deployment.on_workers)
            if key in kinds
        }
        served = {place: guard for place, guard in guards.items() if guard is not None and guard.is_started}
        inference = InferenceWorker(
            broker,
            list(served.values()),
            engine.metrics,
            slots=slots,
            trained=trained,
            drain_timeout_s=settings.drain_timeout_s,
        )
        await stack.enter_async_context(inference.serving())
        work = {"train": _trainers(engine)} if trains else {}
        for key, name in served:
            work[key] = (*work.get(key, ()), name)
        yield Worker(engine, store, broker, work)


def _trainers(engine: Engine) -> tuple[str, ...]:
    return tuple(
        guard.name
        for guard in engine.routing.guards
        if guard.kind is Kind.TRAINING_BACKEND and guard.is_started
    )
