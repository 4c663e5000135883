"""Making providers, warming them up, and closing them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from glottis.config import environment_name
from glottis.plugins.host.isolation import PluginFault, TookTooLong, call_in_thread, finish
from glottis.plugins.host.loading import LOAD_TIMEOUT_HINT
from glottis.plugins.host.plans import Plan
from glottis.plugins.host.records import InstanceState, ProviderInstance
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.reporting import report
from glottis.plugins.peers import NoPeers, Peers
from glottis.plugins.provider import Provider, ProviderContext
from glottis.plugins.specs import Kind, ProviderSpec

WARMUP_TIMEOUT_HINT = f"{environment_name('warmup_timeout_s')} sets how long it may take"

Remote = Callable[[str, Kind, ProviderSpec], Provider]
"""Makes what stands in for a provider that runs on workers, by its name, its kind and its spec."""


class Starter:
    """Makes the providers of a deployment, all at once, and closes them in reverse.

    What a plan has on workers is made by `remote`, in the event loop: no code of the plugin runs for it.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        load_timeout_s: float,
        warmup_timeout_s: float,
        close_timeout_s: float,
        redaction: Redaction,
        peers: Callable[[str], Peers] | None = None,
        remote: Remote | None = None,
    ) -> None:
        self._data_dir = data_dir
        self._load_timeout_s = load_timeout_s
        self._warmup_timeout_s = warmup_timeout_s
        self._close_timeout_s = close_timeout_s
        self._redaction = redaction
        self._peers = peers
        self._remote = remote
        self._open: list[tuple[Plan, Provider]] = []

    async def start(self, plans: Sequence[Plan]) -> tuple[ProviderInstance, ...]:
        """Make and warm up a provider for each plan; one that fails does not disturb the others."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._start(plan)) for plan in plans]
        return tuple(task.result() for task in tasks)

    async def aclose(self) -> None:
        """Close every provider, the last first, each within its time, even when cancelled meanwhile."""
        closing = asyncio.create_task(self._close_all())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await asyncio.wait({closing})
            raise

    async def _start(self, plan: Plan) -> ProviderInstance:
        instance = plan.instance()
        if plan.error is not None:
            return instance
        try:
            provider = await self._create_in_time(plan)
            await self._warm_up(plan, provider)
        except PluginFault as fault:
            instance.state = InstanceState.FAILED
            instance.error = report(
                "provider failed to start", fault, self._redaction, provider=plan.name, kind=plan.kind.value
            )
        else:
            instance.provider, instance.state = provider, InstanceState.READY
        return instance

    async def _create_in_time(self, plan: Plan) -> Provider:
        if plan.is_remote:
            return await finish(
                lambda: self._stand_in(plan), timeout_s=self._load_timeout_s, doing="reaching the workers"
            )
        try:
            return await call_in_thread(
                lambda: self._create(plan), timeout_s=self._load_timeout_s, doing="create"
            )
        except TookTooLong as fault:
            raise PluginFault(f"{fault}; {LOAD_TIMEOUT_HINT}") from None

    async def _stand_in(self, plan: Plan) -> Provider:
        if self._remote is None:
            raise PluginFault("it runs on workers, and nothing here reaches them")
        return self._kept(plan, self._remote(plan.name, plan.kind, plan.spec))

    def _create(self, plan: Plan) -> Provider:
        folder = self._data_dir / plan.name
        folder.mkdir(parents=True, exist_ok=True)
        context = ProviderContext(
            plan.name,
            folder,
            plan.spec.capabilities,
            logging.getLogger(f"glottis.providers.{plan.name}"),
            self._peers(plan.name) if self._peers and plan.spec.peers else NoPeers(),
        )
        # Here, in the thread: a provider that comes too late is closed in the end all the same.
        return self._kept(plan, plan.spec.create(context, plan.config))

    def _kept(self, plan: Plan, provider: Provider) -> Provider:
        """Look whether it is what the plan asks for, and close it in the end."""
        if not isinstance(provider, plan.spec.contract):
            raise PluginFault(
                f"create returned a {type(provider).__name__}, not a {plan.spec.contract.__name__}"
            )
        if not hasattr(provider, "capabilities"):
            raise PluginFault("its __init__ does not call super().__init__(context, config)")
        self._open.append((plan, provider))
        return provider

    async def _warm_up(self, plan: Plan, provider: Provider) -> None:
        try:
            await finish(provider.warmup, timeout_s=self._warmup_timeout_s, doing="warmup")
        except PluginFault as fault:
            self._open.remove((plan, provider))
            await self._close(plan, provider)
            if isinstance(fault, TookTooLong):
                raise PluginFault(f"{fault}; {WARMUP_TIMEOUT_HINT}") from None
            raise

    async def _close_all(self) -> None:
        while self._open:
            await self._close(*self._open.pop())

    async def _close(self, plan: Plan, provider: Provider) -> None:
        try:
            await finish(provider.aclose, timeout_s=self._close_timeout_s, doing="aclose")
        except PluginFault as fault:
            report(
                "provider failed to close", fault, self._redaction, provider=plan.name, kind=plan.kind.value
            )
