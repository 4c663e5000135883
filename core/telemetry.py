"""Turns as OpenTelemetry spans, for who follows a conversation through their other systems.

A turn is one span, from the end of speech (or the arrival of a text) to its end; below it are `hear`,
`answer` and `speak`. They are made when the turn is over, from the times that it kept: it costs nothing while
it runs, and nothing at all where no endpoint is set. No words are in them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

_SERVICE = "glottis"
_SEND_TIMEOUT_S = 3


class TelemetryMissing(Exception):
    """An endpoint is set, and what sends to it is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Period:
    """Something that took time; moments are of `time.perf_counter`."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TracedTurn:
    """What is told of a turn."""

    whole: Period
    parts: tuple[Period, ...]
    attributes: Mapping[str, str | int | bool] = field(default_factory=dict)
    error: str | None = None


class Telemetry(Protocol):
    """Where turns are reported."""

    @property
    def is_on(self) -> bool:
        """Whether anybody takes notice: else a turn need not even be described."""

    def report(self, turn: TracedTurn) -> None:
        """Report a turn; never waits."""


class NoTelemetry:
    """Reports nothing."""

    is_on = False

    def report(self, turn: TracedTurn) -> None:
        """Take no notice."""


class SpanTelemetry:
    """Makes spans of turns."""

    is_on = True

    def __init__(self, tracer: "Tracer") -> None:
        self._tracer = tracer

    def report(self, turn: TracedTurn) -> None:
        """Make the spans of a turn; they are sent in the background."""
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        to_epoch_ns = time.time_ns() - time.perf_counter() * 1e9
        root = self._tracer.start_span(
            turn.whole.name,
            start_time=int(to_epoch_ns + turn.whole.start * 1e9),
            attributes={f"{_SERVICE}.{name}": value for name, value in turn.attributes.items()},
        )
        if turn.error is not None:
            root.set_status(Status(StatusCode.ERROR, turn.error))
        within = set_span_in_context(root)
        for part in turn.parts:
            span = self._tracer.start_span(
                part.name, context=within, start_time=int(to_epoch_ns + part.start * 1e9)
            )
            span.end(int(to_epoch_ns + part.end * 1e9))
        root.end(int(to_epoch_ns + turn.whole.end * 1e9))


@asynccontextmanager
async def telemetry_to(
    endpoint: str | None, *, exporter: "SpanExporter | None" = None
) -> AsyncIterator[Telemetry]:
    """Report to an OTLP endpoint (over HTTP, such as http://collector:4318) while the context lasts.

    `exporter` takes the spans instead. What the endpoint does not take in time is dropped, unwaited for.

    Raises:
        TelemetryMissing: the extra `telemetry` is not installed.
    """
    if endpoint is None and exporter is None:
        yield NoTelemetry()
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise TelemetryMissing(
            "GLOTTIS_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: "
            "pip install 'glottis[telemetry]'"
        ) from None
    traces = f"{(endpoint or '').rstrip('/')}/v1/traces"
    provider: Any = TracerProvider(resource=Resource.create({"service.name": _SERVICE}))
    provider.add_span_processor(
        BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=traces, timeout=_SEND_TIMEOUT_S))
    )
    try:
        yield SpanTelemetry(provider.get_tracer(_SERVICE))
    finally:
        await asyncio.to_thread(provider.shutdown)
