"""A worker: does what the servers of a deployment leave to it, and answers nobody else."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from glottis.config import Deployment, Settings
from glottis.core.broker import BrokerUnavailable
from glottis.core.platform import Engine, broker_of, open_engine
from glottis.core.store import open_store
from glottis.core.training import TrainedVoices, Training
from glottis.plugins import Kind
from glottis.plugins.host import LoadedPlugins

WORKER_KINDS = ("train", "recognize", "synthesize")
"""What a worker may do, named as in the routes of plugins.toml."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker at work: what it does, and by which instances."""

    engine: Engine
    work: Mapping[str, tuple[str, ...]]


@asynccontextmanager
async def open_worker(
    settings: Settings,
    deployment: Deployment,
    *,
    kinds: Collection[str],
    slots: int,
    environment: Mapping[str, str] | None = None,
    loaded: LoadedPlugins | None = None,
) -> AsyncIterator[Worker]:
    """Work while the context lasts: up to `slots` pieces at once of each kind.

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
        trained = TrainedVoices(store, engine.routing, settings.data_dir / "voices")
        await stack.enter_async_context(trained.running())
        work = {}
        if "train" in kinds:
            training = Training(store, engine.routing, settings, trained, engine.host.emit, broker)
            await stack.enter_async_context(training.running(slots=slots))
            work["train"] = tuple(
                guard.name for guard in engine.routing.guards if guard.kind is Kind.TRAINING_BACKEND
            )
        yield Worker(engine, work)
