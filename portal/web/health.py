"""Knows how operators ask after the portal: alive, ready, and the figures for Prometheus."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text, true

from portal import clock
from portal.models.ledger import event_pending
from portal.models.report import clock as clock_table
from portal.models.work import outbox
from portal.queue import connect
from portal.web import access
from portal.web.services import reading, services

pages = Blueprint("health", __name__)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@pages.get("/healthz")
@access.public
def healthz() -> Response:
    """Alive: the process answers."""
    return Response("ok\n", mimetype="text/plain")


@pages.get("/readyz")
@access.public
def readyz() -> tuple[Response, int]:
    """Ready: the database, the queue and the index of the city's boundaries answer."""
    checks = {name: _holds(check) for name, check in CHECKS.items()}
    is_ready = all(checks.values())
    answer = {"ready": is_ready} | {name: "ok" if good else "failed" for name, good in checks.items()}
    return jsonify(answer), 200 if is_ready else 503


def _holds(check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:  # whatever it is, the answer is "not ready"; the reason stands in the log of that part
        return False
    return True


def _ask_database() -> None:
    with reading() as tx:
        tx.execute(text("SELECT 1"))


def _ask_queue() -> None:
    if url := services().settings.redis_url:
        connect(url).ping()


def _ask_index() -> None:
    with reading() as tx:
        view = services().cities.city(tx, services().jurisdiction_id)
    if not view.router.city.index.layers:
        raise LookupError("no boundary layer is loaded")


CHECKS: dict[str, Callable[[], object]] = {
    "database": _ask_database,
    "queue": _ask_queue,
    "index": _ask_index,
}


@pages.get("/metrics")
@access.operator
def metrics() -> Response:
    """Figures for Prometheus: requests by route and status, and what waits. No personal data."""
    registry = CollectorRegistry()
    if (
        "PROMETHEUS_MULTIPROC_DIR" in os.environ
    ):  # every worker's counts, not only those of the one that answers
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counted = generate_latest(registry)
    else:
        counted = generate_latest(_counters().registry)
    backlog = CollectorRegistry()
    backlog.register(Backlog())
    return Response(counted + generate_latest(backlog), content_type=CONTENT_TYPE)


class Backlog(Collector):
    """What waits, read from the database when it is asked for: no worker keeps a figure of its own."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; one statement."""
        is_waiting = outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)
        counts = (
            ("wenlu_outbox_waiting", "Outbox rows not yet handed over", outbox, is_waiting),
            ("wenlu_outbox_failed", "Outbox rows given up", outbox, outbox.c.failed_at.is_not(None)),
            ("wenlu_events_unsealed", "Events not yet sealed", event_pending, true()),
            ("wenlu_clocks_due", "Clocks whose next instant has passed", clock_table,
             clock_table.c.next_at <= clock.now()),
        )  # fmt: skip
        with reading() as tx:
            values = tx.execute(
                select(
                    *(select(func.count()).select_from(t).where(w).scalar_subquery() for *_, t, w in counts)
                )
            ).one()
        for (name, meaning, *_), value in zip(counts, values, strict=True):
            yield GaugeMetricFamily(name, meaning, value)


class Counters:
    """The request figures of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self.requests = Counter("wenlu_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "wenlu_request_seconds", "Time to answer", ("route",), registry=self.registry, buckets=BUCKETS
        )


def _counters() -> Counters:
    found: Counters = current_app.extensions["wenlu_counters"]
    return found


def install(app: Flask) -> None:
    """Count every request by its route, never by its address."""
    app.extensions["wenlu_counters"] = counters = Counters()

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"  # whoever calls makes up the word
        counters.requests.labels(route, method, str(response.status_code)).inc()
        if (started := g.get("started")) is not None:
            counters.seconds.labels(route).observe(time.perf_counter() - started)
        return response
