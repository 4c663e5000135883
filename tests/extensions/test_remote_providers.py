"""Providers that a route runs on workers: what stands in for them here, and what a worker makes of them."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from glottis.config import Deployment
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Kind,
    NoPeers,
    Provider,
    ProviderContext,
    ProviderError,
    ProviderSpec,
    RecognitionOptions,
    Recognizer,
    SynthesisOptions,
    Synthesizer,
    Transcript,
    silence,
)
from glottis.plugins.host import InstanceState, check_deployment, describe_plugins, plan_instances

if TYPE_CHECKING:
    from tests.extensions.conftest import Load, Mistakes, Open, Site

# What would be too heavy for this machine says so by failing.
SPEECH = """
def too_heavy(context, config):
    raise MemoryError("there is no room for this model")

class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: str = "base"

class Speaking(BaseModel):
    model_config = ConfigDict(extra="forbid")
    base: str | None = None

@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="piper", create=Voice))
    register(SynthesizerSpec(name="huge", create=too_heavy, config=Options))
    register(SynthesizerSpec(name="cloned", create=Voice, config=Speaking, peers=("base",)))

@hookimpl
def glottis_register_recognizers(register):
    register(RecognizerSpec(name="whisper", create=Ears))
    register(RecognizerSpec(name="huge", create=too_heavy, config=Options))
"""
TRAINING = """
class Cloner(TrainingBackend):
    async def validate(self, sample):
        return Verdict(usable=True)

    async def train(self, dataset, job):
        yield Progress(1.0)

@hookimpl
def glottis_register_training_backends(register):
    register(TrainingBackendSpec(name="cloned", create=Cloner, config=Speaking))
"""
REMOTE = """
enable = ["speech"]
[providers.ears]
use = "huge"
required = true
[routes]
recognize = [{ provider = "ears", runs_on = "workers" }, "whisper"]
synthesize = [{ provider = "huge", runs_on = "workers" }, "piper"]
[routes.language.ru]
recognize = [{ provider = "ears", runs_on = "workers" }]
"""
NOBODY = "GLOTTIS_NATS_URL names no broker to reach them by"

Read = Callable[..., Deployment]


class StandIn(Provider):
    """Writes into a diary what becomes of it."""

    def __init__(self, context: ProviderContext, diary: list[str], fault: Exception | None) -> None:
        super().__init__(context)
        self._diary = diary
        self._fault = fault

    async def warmup(self) -> None:
        self._diary.append(f"{self.context.instance} warmed up")
        if self._fault is not None:
            raise self._fault

    async def aclose(self) -> None:
        self._diary.append(f"{self.context.instance} closed")


class Ears(StandIn, Recognizer):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript("", 0.0, options.language)


class Mouth(StandIn, Synthesizer):
    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        yield silence(0.1, rate_hz=16_000)


class Workers:
    """Makes what stands in for providers on workers."""

    def __init__(self, folder: Path) -> None:
        self.diary: list[str] = []
        self.specs: dict[tuple[Kind, str], str] = {}
        self.offered: dict[Kind, type[StandIn]] = {Kind.RECOGNIZER: Ears, Kind.SYNTHESIZER: Mouth}
        self.making: Exception | None = None
        self.warming: Exception | None = None
        self._folder = folder

    def make(self, name: str, kind: Kind, spec: ProviderSpec) -> Provider:
        assert asyncio.get_running_loop()
        if self.making is not None:
            raise self.making
        self.specs[kind, name] = spec.name
        context = ProviderContext(name, self._folder, spec.capabilities, logging.getLogger(name), NoPeers())
        return self.offered[kind](context, self.diary, self.warming)


@pytest.fixture(autouse=True)
def plugins(site: "Site") -> None:
    site.install("speech", SPEECH)


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    return Workers(tmp_path)


async def test_a_stand_in_lives_as_the_provider_would_and_no_model_is_loaded_here(
    open_host: "Open", workers: Workers
) -> None:
    async with open_host(REMOTE, remote=workers.make) as host:
        ears, mouth = host.instance(Kind.RECOGNIZER, "ears"), host.instance(Kind.SYNTHESIZER, "huge")
        assert isinstance(ears.provider, Ears)
        assert isinstance(mouth.provider, Mouth)
        assert (ears.state, ears.is_remote, ears.plugin) == (InstanceState.READY, True, "speech")
        assert (ears.where, ears.line) == ("providers.ears", 3)
        assert workers.specs == {(Kind.RECOGNIZER, "ears"): "huge", (Kind.SYNTHESIZER, "huge"): "huge"}
        here = host.instance(Kind.RECOGNIZER, "whisper")
        assert (here.state, here.is_remote) == (InstanceState.READY, False)
        assert sorted(workers.diary) == ["ears warmed up", "huge warmed up"]
    assert sorted(workers.diary[2:]) == ["ears closed", "huge closed"]


async def test_a_description_tells_what_runs_on_workers(open_host: "Open", workers: Workers) -> None:
    async with open_host(REMOTE, remote=workers.make) as host:
        (speech,) = [one for one in json.loads(json.dumps(host.describe())) if one["name"] == "speech"]
    assert {(one["kind"], one["name"]): one["runs_on"] for one in speech["instances"]} == {
        ("recognizer", "ears"): "workers",
        ("recognizer", "whisper"): "here",
        ("synthesizer", "huge"): "workers",
        ("synthesizer", "piper"): "here",
    }


async def test_what_nothing_reaches_is_told_once_where_it_is_first_routed(
    mistakes: "Mistakes", load: "Load", read: Read
) -> None:
    expected = [
        f'plugins.toml:7: routes.recognize: "ears" runs on workers, and {NOBODY}',
        f'plugins.toml:8: routes.synthesize: "huge" runs on workers, and {NOBODY}',
    ]
    assert await mistakes(REMOTE) == expected
    deployment, loaded = read(REMOTE), load("speech")
    unreached = check_deployment(deployment, loaded, {}, reaches_workers=False)
    assert [str(problem) for problem in unreached] == expected
    assert check_deployment(deployment, loaded, {}) == []
    assert len(check_deployment(deployment.only("synthesize"), loaded, {}, reaches_workers=False)) == 1
    assert check_deployment(deployment.only("intents"), loaded, {}, reaches_workers=False) == []


async def test_the_options_of_what_runs_on_workers_are_checked_here(
    mistakes: "Mistakes", workers: Workers
) -> None:
    text = REMOTE.replace("required = true", 'modell = "small"').replace('"huge", runs', '"hug", runs')
    assert await mistakes(text, remote=workers.make) == [
        (
            'plugins.toml:5: providers.ears.modell: unknown key; did you mean "model"? '
            "accepted: limits, model, required, use"
        ),
        (
            'plugins.toml:8: routes.synthesize: there is no provider "hug"; did you mean "huge"? '
            "accepted: cloned, ears, huge, piper"
        ),
    ]
    # What does not exist is not said to be out of reach besides.
    assert [line.split(": ")[1] for line in await mistakes(text)] == [
        "providers.ears.modell",
        "routes.synthesize",
    ]
    assert workers.diary == []


async def test_a_required_provider_whose_workers_cannot_be_asked_stops_the_start(
    mistakes: "Mistakes", workers: Workers
) -> None:
    workers.warming = ProviderError(ErrorCategory.UNAVAILABLE, "no worker serves it")
    assert await mistakes(REMOTE.partition("[routes.language")[0], remote=workers.make) == [
        (
            "plugins.toml:3: providers.ears: is required, and does not work as recognizer: "
            "warmup failed: unavailable: no worker serves it"
        )
    ]
    assert sorted(workers.diary) == ["ears closed", "ears warmed up", "huge closed", "huge warmed up"]


@pytest.mark.parametrize(
    ("making", "offered", "told"),
    [
        (RuntimeError("no way"), Mouth, "reaching the workers failed: RuntimeError: no way"),
        (None, Ears, "reaching the workers failed: create returned a Ears, not a Synthesizer"),
    ],
)
async def test_a_stand_in_that_cannot_be_made_leaves_the_next_of_the_list(
    open_host: "Open",
    workers: Workers,
    making: Exception | None,
    offered: type[StandIn],
    told: str,
) -> None:
    workers.making = making
    workers.offered[Kind.SYNTHESIZER] = offered
    text = (
        'enable = ["speech"]\n[routes]\nsynthesize = [{ provider = "huge", runs_on = "workers" }, "piper"]\n'
    )
    async with open_host(text, remote=workers.make) as host:
        huge = host.instance(Kind.SYNTHESIZER, "huge")
        assert (huge.state, huge.provider, huge.is_remote) == (InstanceState.FAILED, None, True)
        assert (huge.error or "").startswith(told)
        assert host.instance(Kind.SYNTHESIZER, "piper").state is InstanceState.READY


async def test_a_list_whose_workers_all_fail_stops_the_start(mistakes: "Mistakes", workers: Workers) -> None:
    workers.making = RuntimeError("no way")
    text = 'enable = ["speech"]\n[routes]\nsynthesize = [{ provider = "huge", runs_on = "workers" }]\n'
    (told,) = await mistakes(text, remote=workers.make)
    assert told.startswith(
        "plugins.toml:3: routes.synthesize: none of its providers works: huge: reaching the"
    )


async def test_a_broken_plugin_fails_what_runs_on_workers_too(
    open_host: "Open", site: "Site", workers: Workers
) -> None:
    site.install("broken", 'raise RuntimeError("the cable is cut")')
    text = (
        'enable = ["speech", "broken"]\n[routes]\n'
        'synthesize = [{ provider = "broken", runs_on = "workers" }, "piper"]\n'
    )
    async with open_host(text, remote=workers.make) as host:
        broken = host.instance(Kind.SYNTHESIZER, "broken")
        assert (broken.state, broken.is_remote) == (InstanceState.FAILED, True)
        assert "the cable is cut" in (broken.error or "")
    assert workers.diary == []


CLONED = """
enable = ["speech"]
[providers.mine]
use = "cloned"
base = "piper"
[routes]
synthesize = [{ provider = "mine", runs_on = "workers" }]
"""


async def test_what_a_provider_speaks_through_is_made_where_it_runs(
    open_host: "Open", read: Read, load: "Load", workers: Workers
) -> None:
    async with open_host(CLONED, remote=workers.make) as host:
        assert [one.name for one in host.instances] == ["mine"]
    held = plan_instances(read(CLONED).for_worker({"synthesize"}), load("speech"), {})
    assert {one.name: one.is_remote for one in held} == {"mine": False, "piper": False}


async def test_a_provider_here_may_speak_through_one_on_workers(open_host: "Open", workers: Workers) -> None:
    text = """
    enable = ["speech"]
    [providers.mine]
    use = "cloned"
    base = "huge"
    [routes]
    synthesize = ["mine", { provider = "huge", runs_on = "workers" }]
    """
    async with open_host(text, remote=workers.make) as host:
        assert {one.name: one.is_remote for one in host.instances} == {"mine": False, "huge": True}


async def test_a_peer_that_is_none_is_told_although_it_would_be_made_elsewhere(
    mistakes: "Mistakes", workers: Workers
) -> None:
    told = await mistakes(CLONED.replace('"piper"', '"mine"'), remote=workers.make)
    assert told == ['plugins.toml:5: providers.mine.base: "mine" cannot speak through itself']


@pytest.mark.parametrize("on_workers", [False, True])
def test_trained_voices_are_spoken_here_unless_a_route_says_workers(
    site: "Site", load: "Load", read: Read, *, on_workers: bool
) -> None:
    site.install("speech", SPEECH + TRAINING)
    route = 'synthesize = [{ provider = "mine", runs_on = "workers" }]' if on_workers else ""
    text = f'enable = ["speech"]\n[providers.mine]\nuse = "cloned"\n[routes]\ntrain = "mine"\n{route}\n'
    planned = plan_instances(read(text), load("speech"), {})
    assert {one.kind: one.is_remote for one in planned} == {
        Kind.TRAINING_BACKEND: False,
        Kind.SYNTHESIZER: on_workers,
    }


def test_what_is_planned_is_described_without_making_anything(load: "Load", read: Read) -> None:
    loaded = load("speech")
    planned = plan_instances(read(REMOTE), loaded, {})
    assert {one.state for one in planned} == {InstanceState.PLANNED}
    (speech,) = [one for one in describe_plugins(loaded.records, planned) if one["name"] == "speech"]
    assert {
        "name": "ears",
        "kind": "recognizer",
        "state": "planned",
        "error": None,
        "runs_on": "workers",
    } in speech["instances"]
