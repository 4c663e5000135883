"""What Prometheus is told. One object a process; names are part of the public interface."""

import os
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

_LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counters, gauges and histograms of this process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._counter("http_requests", "HTTP requests answered", "method", "route", "status")
        self.request_seconds = self._histogram(
            "http_request_seconds", "Time to answer an HTTP request", "route"
        )
        self.provider_seconds = self._histogram(
            "provider_seconds", "Time of a successful provider call", "instance", "kind"
        )
        self.provider_failures = self._counter(
            "provider_failures", "Provider calls that failed", "instance", "kind", "category"
        )
        self.breaker_open = self._gauge(
            "breaker_open", "1 while a provider is out of service", "instance", "kind", over_processes="max"
        )
        self.workers = self._gauge(
            "workers", "Workers that serve an instance", "instance", "kind", over_processes="max"
        )
        self.worker_wait_seconds = self._histogram(
            "worker_wait_seconds", "Time from a call to the worker that takes it", "instance", "kind"
        )
        self.worker_repeats = self._counter(
            "worker_repeats", "Calls that took a second worker, as the first was lost", "instance", "kind"
        )
        self.worker_calls = self._counter(
            "worker_calls", "Calls that a worker took, by how they ended", "instance", "kind", "outcome"
        )
        self.worker_calls_running = self._gauge(
            "worker_calls_running",
            "Calls that a worker is at work on",
            "instance",
            "kind",
            over_processes="livesum",
        )
        self.cache_lookups = self._counter("audio_cache_lookups", "Look-ups of synthesized audio", "result")
        self.sessions_started = self._counter("sessions_started", "Sessions started")
        self.sessions_refused = self._counter("sessions_refused", "Sessions refused for want of a place")
        self.websockets = self._gauge("websockets", "WebSockets open now", over_processes="livesum")
        self.turn_seconds = self._histogram(
            "turn_seconds", "Time of a turn over HTTP by stage: reply, synthesis, total", "stage"
        )
        self.turn_delay_seconds = self._histogram(
            "turn_delay_seconds",
            "Time from the end of speech, or the arrival of a text, to: final, reply, first_audio, done",
            "stage",
        )
        self.interrupt_seconds = self._histogram(
            "interrupt_seconds", "Time from an interruption to the last audio that was sent"
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"glottis_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(
            f"glottis_{name}", meaning, labels, buckets=_LATENCY_BUCKETS, registry=self._registry
        )

    def _gauge(
        self, name: str, meaning: str, *labels: str, over_processes: Literal["max", "livesum"]
    ) -> Gauge:
        return Gauge(
            f"glottis_{name}",
            meaning,
            labels,
            registry=self._registry,
            multiprocess_mode=over_processes,
        )

    def render(self) -> bytes:
        """Write everything in Prometheus' text format, over all processes of the server."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(merged)
