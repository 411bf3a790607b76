"""What the service measures about itself, for Prometheus."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from forecast.service.served_model import ServedModel

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where several processes of one service count together
OTHER = "other"  # addresses that there are not


class Metrics:
    """Counts of requests and rows, and how long requests take."""

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        """Begin at 0.

        Args:
            models: that are served, by name.
        """
        self._models = models
        self._own = CollectorRegistry()
        self.requests = Counter(
            "forecast_requests", "Requests answered", ["path", "status"], registry=self._own
        )
        self.seconds = Histogram(
            "forecast_request_seconds", "Time to answer a request", ["path"], registry=self._own
        )
        self.rows = Counter(
            "forecast_rows_observed", "Rows taken in", ["model"], registry=self._own
        )

    def text(self) -> bytes:
        """All of them in Prometheus's text format."""
        registry = self._own
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(self)
        return bytes(generate_latest(registry) + generate_latest(now))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is looked up when it is asked for; see `prometheus_client`."""
        series = GaugeMetricFamily("forecast_series", "Series with a state", labels=["model"])
        families: dict[str, GaugeMetricFamily] = {}
        for name, served in self._models.items():
            series.add_metric([name], len(served))
            for gauge in served.gauges():
                labels = ["model", *gauge.labels]
                family = GaugeMetricFamily(gauge.name, gauge.help, labels=labels)
                for sample in gauge.samples:
                    values = [sample.labels[label] for label in gauge.labels]
                    families.setdefault(gauge.name, family).add_metric(
                        [name, *values], sample.value
                    )
        yield series
        yield from families.values()


class Measured:
    """Counts the requests to an ASGI app, and the time that they take."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        """Wrap an app."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def noticing(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        finally:
            path = getattr(scope.get("route"), "path", OTHER)
            self._metrics.requests.labels(path, status).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - begin)
