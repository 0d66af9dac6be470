"""Metrics for Prometheus: of this process's requests, and of the store's state. With a token, or from this machine."""

from __future__ import annotations

from litestar import Controller, Response, get
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.operator.conventions import AnyRequest
from api.operator.health import looked
from api.operator.identity import door_of, office_of, visit_of
from orchestrator.access import rights
from orchestrator.control.health import FAILED, OK, Health
from orchestrator.refusals import Unidentified

LOOPBACK = ("127.0.0.1", "::1")
REQUESTS = CollectorRegistry()
COUNT = Counter("orch_requests", "Requests answered", ["method", "route", "status"], registry=REQUESTS)
SECONDS = Histogram("orch_request_seconds", "Time to an answer; of a stream, to its end", ["route"], registry=REQUESTS,
                    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))


class MetricsController(Controller):
    path = "/metrics"
    tags = ["health"]

    @get("/", open_to_all=True, operation_id="metrics", media_type="text/plain")
    async def metrics(self, request: AnyRequest) -> Response[bytes]:
        """From this machine directly, or by a token or session of a viewer."""
        visit = visit_of(request)
        is_here = visit.address in LOOPBACK and not door_of(request).is_behind_proxy
        if not is_here and (visit.identity is None or not rights.may(visit.identity, "view")):
            raise visit.refusal or Unidentified("metrics are for those with a token", code="identity_missing")
        found = await looked(office_of(request))
        text = generate_latest(REQUESTS) + generate_latest(_gauges(found))
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _gauges(health: Health) -> CollectorRegistry:
    registry = CollectorRegistry()
    up = Gauge("orch_part_up", "1 when the part is well, 0.5 with a warning, 0 when it failed", ["part"],
               registry=registry)
    for name, part in health.parts.items():
        up.labels(name).set(1 if part.state == OK else 0 if part.state == FAILED else 0.5)
        for key, number in part.numbers.items():
            Gauge(f"orch_{name}_{key}", f"{key.replace('_', ' ')} of the part {name}", registry=registry).set(number)
    return registry


def count(method: str, route: str, status: int, seconds: float) -> None:
    """One request; ``route`` is a pattern, never a path: their number is bounded."""
    COUNT.labels(method, route, status).inc()
    SECONDS.labels(route).observe(seconds)
