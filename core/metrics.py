"""What Prometheus is told. One object a process; names are part of the public interface."""

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counters, gauges and histograms of this process, in a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "glottis_http_requests",
            "HTTP requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "glottis_http_request_seconds",
            "Time to answer an HTTP request",
            ["route"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.provider_seconds = Histogram(
            "glottis_provider_seconds",
            "Time of a successful provider call",
            ["instance", "kind"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.provider_failures = Counter(
            "glottis_provider_failures",
            "Provider calls that failed",
            ["instance", "kind", "category"],
            registry=registry,
        )
        self.breaker_open = Gauge(
            "glottis_breaker_open",
            "1 while a provider is out of service",
            ["instance", "kind"],
            registry=registry,
            multiprocess_mode="max",
        )
        self.cache_lookups = Counter(
            "glottis_audio_cache_lookups",
            "Look-ups of synthesized audio",
            ["result"],
            registry=registry,
        )
        self.sessions_started = Counter("glottis_sessions_started", "Sessions started", registry=registry)
        self.sessions_refused = Counter(
            "glottis_sessions_refused", "Sessions refused for want of a place", registry=registry
        )
        self.websockets = Gauge(
            "glottis_websockets",
            "WebSockets open now",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.turn_seconds = Histogram(
            "glottis_turn_seconds",
            "Time of a turn by stage: recognition, reply, synthesis, total",
            ["stage"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )

        self.turn_delay_seconds = Histogram(
            "glottis_turn_delay_seconds",
            "Time from the end of speech, or the arrival of a text, to: final, reply, first_audio, done",
            ["stage"],
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.interrupt_seconds = Histogram(
            "glottis_interrupt_seconds",
            "Time from an interruption to the last audio that was sent",
            buckets=(0.0005, 0.001, 0.0025, *_LATENCY_BUCKETS),
            registry=registry,
        )

    def render(self) -> bytes:
        """Write everything in Prometheus' text format, over all processes of the server."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(merged)
