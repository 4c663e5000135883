"""Making providers, warming them up, and closing them."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from glottis.plugins.host.isolation import PluginFault, call_in_thread, finish
from glottis.plugins.host.records import InstanceState, ProviderInstance
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.resolution import Plan
from glottis.plugins.provider import Provider, ProviderContext

CLOSE_TIMEOUT_S = 10.0

log = logging.getLogger("glottis.plugins")


class Starter:
    """Makes the providers of a deployment, all at once, and closes them in reverse."""

    def __init__(
        self, *, data_dir: Path, load_timeout_s: float, warmup_timeout_s: float, redaction: Redaction
    ) -> None:
        self._data_dir = data_dir
        self._load_timeout_s = load_timeout_s
        self._warmup_timeout_s = warmup_timeout_s
        self._redaction = redaction
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
        instance = ProviderInstance(
            name=plan.name,
            kind=plan.kind,
            plugin=plan.plugin,
            spec=plan.spec,
            limits=plan.limits,
            provider=None,
            state=InstanceState.FAILED,
            error=plan.error,
            required=plan.required,
            where=plan.where,
            line=plan.line,
        )
        if plan.error is not None:
            return instance
        try:
            provider = await call_in_thread(
                lambda: self._create(plan), timeout_s=self._load_timeout_s, doing="create"
            )
            self._open.append((plan, provider))
            await self._warm_up(plan, provider)
        except PluginFault as fault:
            instance.error = self._redaction(str(fault))
            log.warning(
                "provider failed to start",
                extra={"provider": plan.name, "kind": plan.kind, "error": instance.error},
            )
        else:
            instance.provider, instance.state = provider, InstanceState.READY
        return instance

    def _create(self, plan: Plan) -> Provider:
        folder = self._data_dir / "providers" / plan.name
        folder.mkdir(parents=True, exist_ok=True)
        context = ProviderContext(
            plan.name, folder, plan.spec.capabilities, logging.getLogger(f"glottis.providers.{plan.name}")
        )
        provider = plan.spec.create(context, plan.config)
        if not isinstance(provider, plan.spec.contract):
            raise PluginFault(
                f"create returned a {type(provider).__name__}, not a {plan.spec.contract.__name__}"
            )
        return provider

    async def _warm_up(self, plan: Plan, provider: Provider) -> None:
        try:
            await finish(provider.warmup, timeout_s=self._warmup_timeout_s, doing="warmup")
        except PluginFault:
            self._open.remove((plan, provider))
            await self._close(plan, provider)
            raise

    async def _close_all(self) -> None:
        while self._open:
            await self._close(*self._open.pop())

    async def _close(self, plan: Plan, provider: Provider) -> None:
        try:
            await finish(provider.aclose, timeout_s=CLOSE_TIMEOUT_S, doing="aclose")
        except PluginFault as fault:
            error = self._redaction(str(fault))
            log.warning(
                "provider failed to close", extra={"provider": plan.name, "kind": plan.kind, "error": error}
            )
