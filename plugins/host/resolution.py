"""What a deployment asks of the loaded plugins: which providers to make, and what is wrong with it."""

from collections.abc import Callable, Mapping

from glottis.config import (
    ConfigProblem,
    Deployment,
    ProviderEntry,
    expand,
    model_problems,
    references,
    suggest,
)
from glottis.plugins.host.isolation import PluginFault, call
from glottis.plugins.host.loading import LoadedPlugins
from glottis.plugins.host.plans import KIND_OF_ROUTE, ROUTE_OF_KIND, Chain, Path, Plan, Resolution
from glottis.plugins.host.records import InstanceState, PluginState, ProviderInstance
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.registration import ENGINE_KEYS, REGISTRARS
from glottis.plugins.provider import Provider, ProviderContext
from glottis.plugins.specs import Kind, ProviderSpec
from pydantic import BaseModel, ValidationError

SPEC_OF_KIND: dict[Kind, Callable[..., ProviderSpec]] = {spec.kind: spec for spec in REGISTRARS.values()}


def known_secrets(deployment: Deployment, environment: Mapping[str, str]) -> Redaction:
    """Collect every value that the options of providers take from the environment."""
    names = {name for entry in deployment.providers.values() for _, name in references(entry.options)}
    return Redaction(environment[name] for name in names if name in environment)


def check_deployment(
    deployment: Deployment,
    loaded: LoadedPlugins,
    environment: Mapping[str, str],
    *,
    reaches_workers: bool = True,
) -> list[ConfigProblem]:
    """Find everything that is wrong with a deployment, as far as it can be told without making providers.

    Unless it `reaches_workers`, what runs there is a mistake too.
    """
    resolution = resolve(deployment, loaded, environment, reaches_workers=reaches_workers)
    instances = tuple(plan.instance() for plan in resolution.plans)
    return list(resolution.problems) or missing(deployment, resolution, instances)


def missing(
    deployment: Deployment, resolution: Resolution, instances: tuple[ProviderInstance, ...]
) -> list[ConfigProblem]:
    """Find what the deployment cannot do without and does not have."""
    failed = {(one.kind, one.name): one for one in instances if one.state is InstanceState.FAILED}
    problems = [
        ConfigProblem(
            deployment.file,
            one.line,
            one.where,
            f"is required, and does not work as {one.kind.replace('_', ' ')}: {one.error}",
        )
        for one in failed.values()
        if one.required
    ]
    for chain in resolution.chains:
        causes = [failed[chain.kind, name] for name in chain.names if (chain.kind, name) in failed]
        if len(causes) == len(chain.names):
            told = "; ".join(f"{one.name}: {one.error}" for one in causes)
            problems.append(deployment.problem(chain.path, f"none of its providers works: {told}"))
    return problems


def plan_instances(
    deployment: Deployment, loaded: LoadedPlugins, environment: Mapping[str, str]
) -> tuple[ProviderInstance, ...]:
    """Tell which providers a deployment asks for, and makes none; what is wrong in it is passed over."""
    return tuple(plan.instance() for plan in resolve(deployment, loaded, environment).plans)


def resolve(
    deployment: Deployment,
    loaded: LoadedPlugins,
    environment: Mapping[str, str],
    *,
    reaches_workers: bool = True,
) -> Resolution:
    """Read a deployment against the plugins that are there."""
    return _Resolver(deployment, loaded, environment, reaches_workers=reaches_workers).resolve()


class _Resolver:
    def __init__(
        self,
        deployment: Deployment,
        loaded: LoadedPlugins,
        environment: Mapping[str, str],
        *,
        reaches_workers: bool,
    ) -> None:
        self._deployment = deployment
        self._loaded = loaded
        self._environment = environment
        self._redaction = known_secrets(deployment, environment)
        self._problems: list[ConfigProblem] = []
        self._configs: dict[str, BaseModel] = {}
        self._broken: set[str] = set()
        self._plans: dict[tuple[Kind, str], Plan] = {}
        installed = {record.name for record in loaded.records}
        self._on_workers = deployment.on_workers
        self._reaches_workers = reaches_workers
        self._missing = [name for name in deployment.enable if name not in installed]

    def resolve(self) -> Resolution:
        self._check_enabled()
        for name, entry in self._deployment.providers.items():
            self._check_provider(name, entry)
        chains = self._chains()
        for chain in chains:
            for name in chain.names:
                self._plan(chain, name)
        for chain in chains:
            if chain.kind is Kind.TRAINING_BACKEND:
                self._plan_speaker(chain)
        chains += self._peer_chains()
        self._check_required()
        self._check_voices()
        self._check_reach()
        problems = {
            ConfigProblem(problem.file, problem.line, problem.where, self._redaction(problem.message))
            for problem in self._problems
        }
        return Resolution(tuple(self._plans.values()), tuple(chains), tuple(sorted(problems)))

    def _report(self, path: Path, message: str) -> None:
        self._problems.append(self._deployment.problem(path, message))

    def _check_enabled(self) -> None:
        installed = {record.name for record in self._loaded.records}
        for name in self._missing:
            hint = suggest(name, installed) if installed else "no plugin is installed"
            self._report(
                ("enable",), f'no plugin called "{name}" is installed; pip install glottis-{name}? {hint}'
            )

    def _check_provider(self, name: str, entry: ProviderEntry) -> None:
        path = ("providers", name)
        specs = self._loaded.specs(entry.use)
        if not specs:
            self._broken.add(name)
            if not self._is_excused(entry.use):
                self._report((*path, "use"), self._unknown_use(entry.use))
            return
        spec = next(iter(specs.values()))
        try:
            self._configs[name] = self._configured(spec, entry)
        except ValidationError as error:
            self._problems += model_problems(
                error,
                file=self._deployment.file,
                lines=self._deployment.lines,
                prefix=path,
                root=spec.config,
                also=ENGINE_KEYS,
            )
        except KeyError as error:
            self._report(path, f"environment variable {error.args[0]} is not set")
        except PluginFault as fault:
            self._report(path, str(fault))
        if name not in self._configs:
            self._broken.add(name)

    def _configured(self, spec: ProviderSpec, entry: ProviderEntry) -> BaseModel:
        """Validate options by the plugin's model, which is the plugin's code and may do anything."""
        options = expand(entry.options, self._environment)

        def validate() -> BaseModel | ValidationError:
            try:
                return spec.config.model_validate(options)
            except ValidationError as error:
                return error

        outcome = call(validate, timeout_s=self._loaded.load_timeout_s, doing="checking the options")
        if isinstance(outcome, ValidationError):
            raise outcome
        return outcome

    def _chains(self) -> list[Chain]:
        return [
            Chain((*path, key), kind, tuple(names))
            for path, table in self._deployment.route_tables()
            for key, kind in KIND_OF_ROUTE.items()
            if (names := table.chain(key))
        ]

    def _plan(self, chain: Chain, name: str) -> None:
        if (chain.kind, name) in self._plans:
            return
        entry = self._deployment.entry(name)
        specs = self._loaded.specs(entry.use)
        spec = specs.get(chain.kind)
        has_table = name in self._deployment.providers
        if spec is None and specs:
            self._report(chain.path, self._wrong_kind(name, chain.kind, specs))
        elif spec is None and self._is_excused(entry.use):
            self._plan_failed(chain, name, entry)
        elif spec is None and not has_table:
            hint = suggest(name, self._instances_of(chain.kind))
            if entry.use in self._available():
                hint = self._unknown_use(entry.use)
            self._report(chain.path, f'there is no provider "{name}"; {hint}')
        elif spec is not None:
            if not has_table and name not in self._configs and name not in self._broken:
                self._check_tableless(chain, name, spec)
            if name in self._configs:
                self._plans[chain.kind, name] = self._planned(chain, name, entry, spec)

    def _planned(self, chain: Chain, name: str, entry: ProviderEntry, spec: ProviderSpec) -> Plan:
        path = ("providers", name) if name in self._deployment.providers else chain.path
        place = self._deployment.problem(path, "")
        return Plan(
            name=name,
            kind=chain.kind,
            plugin=self._loaded.plugin_of(spec.name),
            spec=spec,
            limits=entry.limits,
            required=entry.required,
            where=place.where,
            line=place.line,
            config=self._configs[name],
            is_remote=self._is_remote(chain.kind, name),
        )

    def _is_remote(self, kind: Kind, name: str) -> bool:
        return (ROUTE_OF_KIND[kind], name) in self._on_workers

    def _plan_speaker(self, chain: Chain) -> None:
        """Plan the synthesizer that speaks the voices of a training backend: the one of its own table."""
        for name in chain.names:
            backend = self._plans.get((chain.kind, name))
            if backend is None or backend.error is not None:
                continue
            use = backend.spec.name
            if self._loaded.spec(Kind.SYNTHESIZER, use) is not None:
                self._plan(Chain(chain.path, Kind.SYNTHESIZER, (name,)), name)
            else:
                self._report(
                    chain.path,
                    f'"{name}" trains voices that nothing speaks: its plugin offers no synthesizer "{use}"',
                )

    def _peer_chains(self) -> list[Chain]:
        """Plan the synthesizers that options name, and give each as a route of one."""
        chains: dict[Chain, None] = {}
        for plan in list(self._plans.values()):
            for option in plan.spec.peers:
                name = getattr(plan.config, option, None)
                if name is None:
                    continue
                path = ("providers", plan.name, option)
                if (mistake := self._peer_mistake(plan, name)) is not None:
                    self._report(path, mistake)
                    continue
                if plan.is_remote:
                    # What it speaks through is made where it is: on the workers.
                    continue
                chain = Chain(path, Kind.SYNTHESIZER, (name,))
                chains[chain] = None
                self._plan(chain, name)
        return list(chains)

    def _peer_mistake(self, plan: Plan, name: object) -> str | None:
        if not isinstance(name, str):
            return f"is a {type(name).__name__}, not the name of a synthesizer"
        if name == plan.name:
            return f'"{name}" cannot speak through itself'
        spec = self._loaded.spec(Kind.SYNTHESIZER, self._deployment.entry(name).use)
        if spec is not None and spec.peers:
            return f'"{name}" speaks through another synthesizer itself; name that one'
        return None

    def _plan_failed(self, chain: Chain, name: str, entry: ProviderEntry) -> None:
        """Plan a provider whose plugin is enabled but broken: it is shown as failed, and the rest goes on."""
        failed = self._loaded.failed()
        if not failed:
            return
        own = [record for record in failed if record.name == entry.use] or failed
        told = dict.fromkeys(f"plugin {record.name} could not be loaded: {record.error}" for record in own)
        causes = "; ".join(told)
        unsure = "" if own[0].name == entry.use else f'no loaded plugin offers "{entry.use}"; '
        path = ("providers", name) if name in self._deployment.providers else chain.path
        place = self._deployment.problem(path, "")
        self._plans[chain.kind, name] = Plan(
            name=name,
            kind=chain.kind,
            plugin=own[0].name,
            spec=SPEC_OF_KIND[chain.kind](name=entry.use, create=_not_loaded),
            limits=entry.limits,
            required=entry.required,
            where=place.where,
            line=place.line,
            error=self._redaction(unsure + causes),
            is_remote=self._is_remote(chain.kind, name),
        )

    def _check_tableless(self, chain: Chain, name: str, spec: ProviderSpec) -> None:
        """Check that a provider that a route names without a table needs none."""
        try:
            self._configs[name] = self._configured(spec, ProviderEntry(use=name))
        except ValidationError as error:
            self._broken.add(name)
            needed = ", ".join(
                ".".join(str(part) for part in finding["loc"]) or finding["msg"]
                for finding in error.errors(include_input=False, include_url=False, include_context=False)
            )
            self._report(chain.path, f'"{name}" needs a table [providers.{name}] with: {needed}')
        except PluginFault as fault:
            self._broken.add(name)
            self._report(chain.path, f'"{name}": {fault}')

    def _is_excused(self, use: str) -> bool:
        """Tell whether an unknown spec is the consequence of something that is told already.

        Which specs a plugin would have offered is not known when it could not be loaded.
        """
        return use in self._missing or bool(self._loaded.failed())

    def _available(self) -> set[str]:
        return {record.name for record in self._loaded.records if record.state is PluginState.AVAILABLE}

    def _unknown_use(self, use: str) -> str:
        if use in self._available():
            return f'the plugin "{use}" is installed but not enabled: add it to enable'
        return f'no enabled plugin offers "{use}"; {suggest(use, self._loaded.spec_names())}'

    def _wrong_kind(self, name: str, kind: Kind, specs: Mapping[Kind, ProviderSpec]) -> str:
        kinds = " and ".join(sorted(_worded(offered) for offered in specs))
        # The name was not mistyped: the nearest one would be no help.
        accepted = suggest("", self._instances_of(kind))
        return f'"{name}" is {kinds}, not {_worded(kind)}; {accepted}'

    def _instances_of(self, kind: Kind) -> set[str]:
        tables = {
            name
            for name, entry in self._deployment.providers.items()
            if self._loaded.spec(kind, entry.use) is not None
        }
        return tables | {
            name for name in self._loaded.spec_names(kind) if name not in self._deployment.providers
        }

    def _check_required(self) -> None:
        routed = self._deployment.routed_names()
        for name, entry in self._deployment.providers.items():
            if entry.required and name not in routed:
                self._report(("providers", name, "required"), f'"{name}" is required, but no route uses it')

    def _check_voices(self) -> None:
        for project, entry in self._deployment.projects.items():
            own = ("projects", project, "routes")
            usable = {
                name
                for chain in self._chains()
                if chain.kind is Kind.SYNTHESIZER and (chain.path[0] == "routes" or chain.path[:3] == own)
                for name in chain.names
            }
            for language, voice in entry.voices.items():
                if voice.provider is not None and voice.provider not in usable:
                    self._report(
                        ("projects", project, "voices", language, "provider"),
                        f'no synthesize route of this project uses "{voice.provider}"; '
                        f"{suggest(voice.provider, usable)}",
                    )

    def _check_reach(self) -> None:
        """Tell of each instance on workers, where it is first routed, that nothing here reaches it."""
        if self._reaches_workers:
            return
        for key, name in self._on_workers:
            if (KIND_OF_ROUTE[key], name) in self._plans:
                tables = self._deployment.route_tables()
                path = next(path for path, table in tables if name in (table.chain(key) or ()))
                message = f'"{name}" runs on workers, and GLOTTIS_NATS_URL names no broker to reach them by'
                self._report((*path, key), message)


def _worded(kind: Kind) -> str:
    article = "an" if kind is Kind.INTENT_HANDLER else "a"
    return f"{article} {kind.replace('_', ' ')}"


def _not_loaded(context: ProviderContext, _config: object) -> Provider:
    raise PluginFault(f"the plugin of {context.instance} is not loaded")
