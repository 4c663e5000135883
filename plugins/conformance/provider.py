"""The checks that every kind of provider has to pass."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from glottis.config import ProviderEntry
from glottis.plugins.capabilities import Capabilities, RunsOn
from glottis.plugins.conformance.configuration import ENGINE_KEYS, lax_models, open_secrets
from glottis.plugins.conformance.guard import Guard, expect
from glottis.plugins.conformance.scripted import ScriptedPeers
from glottis.plugins.conformance.subject import Subject, find_subject, time_import, unmarked_hooks
from glottis.plugins.errors import ErrorCategory
from glottis.plugins.hookspecs import API_VERSION
from glottis.plugins.languages import best_match
from glottis.plugins.peers import Peers
from glottis.plugins.provider import Provider
from glottis.plugins.specs import Kind
from pydantic import ValidationError

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def is_language_tag(tag: object) -> bool:
    """Tell whether something looks like a BCP 47 tag."""
    return isinstance(tag, str) and _TAG.fullmatch(tag) is not None


class ProviderConformance:
    """Subclasses state what is tested; every bound is an attribute that a subclass may widen.

    `plugin` is the entry point's name, `use` the spec's (by default the same), `options` the TOML table as a
    dict; where that is only known at run time, override the fixture `provider_options`. `languages` are
    those that the tests use: by default Russian and English, as far as the capabilities name them. `peers`
    are what a provider reaches whose spec asks for any: by default each of them speaks tones.
    """

    plugin: ClassVar[str]
    kind: ClassVar[Kind]
    capabilities_type: ClassVar[type[Capabilities]]
    use: ClassVar[str | None] = None
    options: ClassVar[Mapping[str, Any]] = {}
    languages: ClassVar[tuple[str, ...]] = ()
    peers: ClassVar[Peers] = ScriptedPeers()

    longest_import_s: ClassVar[float] = 1.0
    longest_create_s: ClassVar[float] = 0.25
    longest_warmup_s: ClassVar[float] = 120.0
    longest_call_s: ClassVar[float] = 30.0
    longest_close_s: ClassVar[float] = 5.0
    longest_gap_s: ClassVar[float] = 0.25
    longest_warmup_gap_s: ClassVar[float] = 2.0
    cancel_grace_s: ClassVar[float] = 2.0
    calls_at_once: ClassVar[int] = 4
    not_secret: ClassVar[frozenset[str]] = frozenset()

    pytestmark = pytest.mark.asyncio(loop_scope="class")

    @pytest.fixture(scope="class")
    @classmethod
    def provider_options(cls) -> Mapping[str, Any]:
        return cls.options

    @pytest.fixture(scope="class")
    @classmethod
    def subject(
        cls, tmp_path_factory: pytest.TempPathFactory, provider_options: Mapping[str, Any]
    ) -> Subject:
        """Give the spec under test."""
        data_dir = tmp_path_factory.mktemp("data")
        return find_subject(
            cls.plugin, cls.kind, cls.use or cls.plugin, provider_options, data_dir, cls.peers
        )

    @pytest.fixture
    def material(self) -> object:
        """Give what `exercise` needs besides the provider."""
        return None

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def provider(cls, subject: Subject) -> AsyncIterator[Any]:
        """Give a warm provider, which all tests of a class share."""
        created, _ = subject.create()
        async with cls._warming():
            await created.warmup()
        yield created
        async with cls._closing():
            await created.aclose()

    def guard(self, doing: str, *, raises: ErrorCategory | None = None, may_fail: bool = False) -> Guard:
        """Watch over a call to the provider."""
        return Guard(
            doing,
            within_s=self.longest_call_s,
            gap_s=self.longest_gap_s,
            raises=raises,
            may_fail=may_fail,
        )

    def tags(self, capabilities: Capabilities) -> tuple[str, ...]:
        """Choose the languages to test in."""
        if self.languages:
            return self.languages
        usual = tuple(tag for tag in ("ru-RU", "en-US") if best_match(tag, capabilities.languages))
        return usual or tuple(sorted(capabilities.languages)[:1])

    def grace(self, doing: str) -> Guard:
        """Watch over the end of a call that is left early."""
        return Guard(doing, within_s=self.cancel_grace_s, gap_s=self.longest_gap_s)

    async def cancel_early(self, doing: str, call: Coroutine[Any, Any, Any]) -> None:
        """Begin a call and cancel it as soon as it has let go of the event loop a few times."""
        task = asyncio.ensure_future(call)
        for _ in range(3):
            await asyncio.sleep(0)
        await self.cancel(doing, task)

    async def cancel(self, doing: str, task: asyncio.Task[Any]) -> None:
        """Cancel a call that is not over, and check that it ends in the grace, with the cancellation."""
        if task.done():
            await task
            return
        task.cancel()
        async with self.grace(f"cancelling {doing}"):
            await asyncio.wait({task})
        expect(task.cancelled(), f"{doing} was cancelled and went on: it should let the cancellation out")

    async def exercise(self, provider: Any, material: Any) -> None:
        """Use a provider as its contract allows: whole calls, calls left early, calls cancelled."""
        raise NotImplementedError

    async def test_the_plugin_says_which_api_it_was_written_for(self, subject: Subject) -> None:
        version = getattr(subject.module, "GLOTTIS_API_VERSION", None)
        expect(
            version == API_VERSION,
            f"{subject.entry_point.value} should state GLOTTIS_API_VERSION = {API_VERSION}, not {version}",
        )

    async def test_every_function_named_like_a_hook_is_marked_as_one(self, subject: Subject) -> None:
        names = ", ".join(unmarked_hooks(subject.module))
        expect(not names, f"these functions lack @hookimpl and are never called: {names}")

    async def test_importing_the_plugin_is_quick_and_starts_nothing(self, subject: Subject) -> None:
        seconds, threads = await asyncio.to_thread(time_import, subject.entry_point.module)
        if seconds > self.longest_import_s:  # the first import may have compiled the modules
            seconds, threads = await asyncio.to_thread(time_import, subject.entry_point.module)
        expect(
            seconds <= self.longest_import_s,
            f"importing {subject.entry_point.module} took {seconds:.2f} s, "
            f"more than {self.longest_import_s:g} s: "
            "import heavy libraries in `warmup` or in the thread that uses them",
        )
        expect(threads == 0, f"importing {subject.entry_point.module} started {threads} threads")

    async def test_the_spec_can_be_named_in_plugins_toml(self, subject: Subject) -> None:
        try:
            ProviderEntry(use=subject.spec.name)
        except ValidationError:
            pytest.fail(f'"{subject.spec.name}" cannot stand as `use` in plugins.toml')
        expect(subject.spec.kind is self.kind, f"the spec is a {subject.spec.kind}, not a {self.kind}")

    async def test_the_configuration_refuses_unknown_options(self, subject: Subject) -> None:
        names = ", ".join(lax_models(subject.spec.config))
        expect(not names, f'these models need model_config = ConfigDict(extra="forbid"): {names}')

    async def test_the_configuration_keeps_secrets_secret(self, subject: Subject) -> None:
        shown = [
            name for name in open_secrets(subject.spec.config) if name.split(".")[-1] not in self.not_secret
        ]
        expect(
            not shown, f"these fields look like secrets and should be SecretStr: {', '.join(sorted(shown))}"
        )

    async def test_the_configuration_leaves_the_engine_its_keys(self, subject: Subject) -> None:
        taken = sorted(ENGINE_KEYS & set(subject.spec.config.model_fields))
        expect(not taken, f"the engine reads these keys itself: {', '.join(taken)}")

    async def test_the_configuration_has_a_json_schema(self, subject: Subject) -> None:
        schema = subject.spec.config.model_json_schema()
        expect(json.loads(json.dumps(schema)) == schema, "the configuration's schema should be plain JSON")

    async def test_the_capabilities_hold_together(self, subject: Subject, provider: Provider) -> None:
        for capabilities in (subject.spec.capabilities, provider.capabilities):
            expect(
                isinstance(capabilities, self.capabilities_type),
                f"capabilities should be {self.capabilities_type.__name__}, not {capabilities!r}",
            )
            self.check_capabilities(capabilities)

    def check_capabilities(self, capabilities: Any) -> None:
        """Check the values; subclasses add what their kind states."""
        expect(isinstance(capabilities.languages, frozenset), "`languages` should be a frozenset")
        expect(capabilities.languages, "`languages` should name one at the least; ANY stands for all")
        wrong = sorted(tag for tag in capabilities.languages if tag != "*" and not is_language_tag(tag))
        expect(not wrong, f"these are no BCP 47 language tags: {', '.join(map(str, wrong))}")
        expect(isinstance(capabilities.runs_on, RunsOn), "`runs_on` should be a RunsOn")
        bound = capabilities.max_concurrency
        expect(bound is None or bound >= 1, "`max_concurrency` should be None or at least 1")
        latency_s = capabilities.expected_latency_s
        expect(
            latency_s is None or latency_s >= 0, "`expected_latency_s` should be None or a time in seconds"
        )

    async def test_creating_a_provider_is_quick_and_it_can_be_closed_cold(self, subject: Subject) -> None:
        created, seconds = subject.create()
        async with self._closing():
            await created.aclose()
        contract = subject.spec.contract
        expect(isinstance(created, contract), f"`create` should return a {contract.__name__}")
        expect(
            seconds <= self.longest_create_s,
            f"`create` took {seconds:.2f} s, more than {self.longest_create_s:g} s: load models in `warmup`",
        )

    async def test_a_warm_provider_is_healthy(self, provider: Provider) -> None:
        async with self.guard("health"):
            await provider.health()

    async def test_its_version_is_a_text_that_does_not_change(self, provider: Provider) -> None:
        first, second = provider.version, provider.version
        expect(isinstance(first, str), f"`version` should be a text, not {first!r}")
        expect(first == second, f"`version` should stay the same, not go from {first!r} to {second!r}")

    async def test_it_closes_and_leaves_no_task_behind(self, subject: Subject, material: object) -> None:
        before = asyncio.all_tasks()
        created, _ = subject.create()
        async with self._warming():
            await created.warmup()
        await self.exercise(created, material)
        async with self._closing():
            await created.aclose()
        await self.check_tasks(before, "aclose")

    async def check_tasks(self, before: set[asyncio.Task[Any]], after: str) -> None:
        """Check that every task that is not among `before` ends in the grace."""
        if left := asyncio.all_tasks() - before:
            # Python itself closes forgotten generators in tasks, which are soon over.
            _, left = await asyncio.wait(left, timeout=self.cancel_grace_s)
        names = ", ".join(str(task.get_coro()) for task in left)
        expect(not left, f"tasks are still running after {after}: {names}")

    @classmethod
    def _warming(cls) -> Guard:
        return Guard("warmup", within_s=cls.longest_warmup_s, gap_s=cls.longest_warmup_gap_s)

    @classmethod
    def _closing(cls) -> Guard:
        return Guard("aclose", within_s=cls.longest_close_s, gap_s=cls.longest_warmup_gap_s)
