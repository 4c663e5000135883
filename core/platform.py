"""Everything that runs, put together in one place and taken apart in reverse."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from glottis.config import Deployment, Settings
from glottis.core.access import AudioLinks, Authentication
from glottis.core.broker import Broker, open_broker
from glottis.core.conversation import Turns
from glottis.core.dialogue import Dialogue
from glottis.core.inference import RemoteProviders
from glottis.core.listening import Silero, VoiceActivity
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard, RoutedPeers, Routing
from glottis.core.sessions import Sessions
from glottis.core.speech import Recognition, Speaker, Voices
from glottis.core.store import Store, open_store
from glottis.core.telemetry import Telemetry, telemetry_to
from glottis.core.training import Samples, TrainedVoices, Training
from glottis.plugins import Kind
from glottis.plugins.host import LoadedPlugins, PluginHost, open_plugins


@dataclass(frozen=True, slots=True)
class Engine:
    """What hears, understands and speaks, without a database."""

    settings: Settings
    deployment: Deployment
    host: PluginHost
    metrics: Metrics
    routing: Routing
    recognition: Recognition
    dialogue: Dialogue
    voices: Voices


@dataclass(frozen=True, slots=True)
class Platform:
    """The engine with everything that is kept."""

    engine: Engine
    store: Store
    authentication: Authentication
    links: AudioLinks
    sessions: Sessions
    speaker: Speaker
    turns: Turns
    voice_activity: VoiceActivity
    telemetry: Telemetry
    samples: Samples
    training: Training
    trained_voices: TrainedVoices


@asynccontextmanager
async def open_engine(
    settings: Settings,
    deployment: Deployment,
    *,
    environment: Mapping[str, str] | None = None,
    loaded: LoadedPlugins | None = None,
    broker: Broker | None = None,
) -> AsyncIterator[Engine]:
    """Start the providers of a deployment; close them on the way out.

    What runs on workers is reached through `broker`, or through one that is connected to for this.

    Raises:
        ConfigError: plugins.toml asks for what cannot be had.
    """
    metrics = Metrics()
    guards: dict[tuple[Kind, str], Guard[Any]] = {}
    async with AsyncExitStack() as stack:
        remote = await stack.enter_async_context(_remote_providers(settings, deployment, metrics, broker))
        host = await stack.enter_async_context(
            open_plugins(
                deployment,
                environment=os.environ if environment is None else environment,
                data_dir=settings.data_dir / "providers",
                load_timeout_s=settings.plugin_load_timeout_s,
                warmup_timeout_s=settings.warmup_timeout_s,
                loaded=loaded,
                peers=lambda instance: RoutedPeers(
                    instance, lambda name: guards.get((Kind.SYNTHESIZER, name))
                ),
                remote=None if remote is None else remote.make,
            )
        )
        guards |= _guards(host, deployment, metrics)
        routing = Routing(deployment, guards)
        if remote is not None:
            remote.on_change(routing.look_again)
        for guard in routing.guards:
            stack.push_async_callback(guard.aclose)
        yield Engine(
            settings,
            deployment,
            host,
            metrics,
            routing,
            Recognition(routing, max_s=settings.audio_max_s),
            Dialogue(routing, deployment),
            Voices(routing),
        )


@asynccontextmanager
async def open_platform(
    settings: Settings,
    deployment: Deployment,
    *,
    environment: Mapping[str, str] | None = None,
    loaded: LoadedPlugins | None = None,
) -> AsyncIterator[Platform]:
    """Start everything in dependency order; stop it in reverse, even on failure."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        broker = await stack.enter_async_context(broker_of(settings, name="glottis server"))
        engine = await stack.enter_async_context(
            open_engine(settings, deployment, environment=environment, loaded=loaded, broker=broker)
        )
        trained, training = await stack.enter_async_context(
            open_training(engine, store, broker, slots=settings.training_slots if broker is None else 0)
        )
        speaker = Speaker(
            engine.routing,
            store,
            deployment,
            engine.metrics,
            cache_bytes=settings.audio_cache_bytes,
            memory_bytes=settings.audio_memory_bytes,
            trained=trained,
        )
        stack.push_async_callback(speaker.aclose)
        voice_activity = await stack.enter_async_context(Silero())
        telemetry = await stack.enter_async_context(telemetry_to(settings.otlp_endpoint))
        yield Platform(
            engine,
            store,
            Authentication(store),
            AudioLinks(await store.secrets.get_or_create("audio-links")),
            Sessions(store, deployment, engine.metrics, engine.host.emit),
            speaker,
            Turns(
                store=store,
                routing=engine.routing,
                dialogue=engine.dialogue,
                speaker=speaker,
                metrics=engine.metrics,
                emit=engine.host.emit,
            ),
            voice_activity,
            telemetry,
            Samples(store, engine.routing, voice_activity, settings),
            training,
            trained,
        )


@asynccontextmanager
async def open_training(
    engine: Engine, store: Store, broker: Broker | None, *, slots: int
) -> AsyncIterator[tuple[TrainedVoices, Training]]:
    """Know of all trained voices, and train up to `slots` at once, while the context lasts."""
    trained = TrainedVoices(store, engine.routing, engine.settings.data_dir / "voices")
    training = Training(store, engine.routing, engine.settings, trained, engine.host.emit, broker)
    async with trained.running(), training.running(slots=slots):
        yield trained, training


@asynccontextmanager
async def _remote_providers(
    settings: Settings, deployment: Deployment, metrics: Metrics, broker: Broker | None
) -> AsyncIterator[RemoteProviders | None]:
    """Reach what runs on workers, if anything does and there is a broker to reach it by."""
    async with AsyncExitStack() as stack:
        if deployment.on_workers and broker is None:
            broker = await stack.enter_async_context(broker_of(settings, name="glottis"))
        if not deployment.on_workers or broker is None:
            yield None
            return
        yield await stack.enter_async_context(RemoteProviders(broker, metrics))


@asynccontextmanager
async def broker_of(settings: Settings, *, name: str) -> AsyncIterator[Broker | None]:
    """Connect to the broker of a deployment; None where it has none.

    Raises:
        BrokerUnavailable: it is not there.
    """
    if settings.nats_url is None:
        yield None
        return
    async with open_broker(
        settings.nats_url, name=name, prefix=settings.nats_prefix, replicas=settings.nats_replicas
    ) as broker:
        yield broker


def _guards(host: PluginHost, deployment: Deployment, metrics: Metrics) -> dict[tuple[Kind, str], Guard[Any]]:
    versions = {record.name: record.version for record in host.loaded.records}
    guards: dict[tuple[Kind, str], Guard[Any]] = {}
    for instance in host.instances:
        # The options as they are written: a secret stands in them by its name only.
        options = json.dumps(dict(deployment.entry(instance.name).options), sort_keys=True, default=str)
        guards[instance.kind, instance.name] = Guard(
            instance,
            fingerprint=f"{instance.plugin}|{versions.get(instance.plugin, '')}|{options}",
            metrics=metrics,
            emit=host.emit,
            redact=host.redact,
        )
    return guards
