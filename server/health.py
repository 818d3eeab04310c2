"""Whether the server lives and is ready, and what it counts: /healthz, /readyz, /metrics."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import psycopg
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server import problems
from server.errors import Unavailable
from server.requests import Clock

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

# Who asks whether we are ready asks every few seconds, and an answer that comes later is a no.
READY_TIMEOUT_S = 2
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_COUNTER_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")

_LAST_HEARD = text("""
    SELECT agent.id, extract(epoch FROM agent.status_at) AS status_at, agent.status -> 'counters' AS counters,
           (SELECT coverage.to_ms FROM coverage WHERE coverage.agent_id = agent.id
            ORDER BY coverage.from_ms DESC LIMIT 1) AS heard_ms
    FROM agent ORDER BY agent.id
""")
# Of an agent's counters (docs/protocol.md, status).
_LOST = ("dropped", "dropped_age", "unspooled", "refused_undated", "refused_future", "refused_expired")
_GATEWAYS = text("SELECT gateway, counters, extract(epoch FROM at) AS at FROM gateway_health ORDER BY gateway")


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def tell_alive() -> JSONResponse:
    """Says that the process answers."""
    return JSONResponse({"alive": True})


@router.api_route("/readyz", methods=["GET", "HEAD"])
def tell_ready(request: Request) -> Response:
    """Says whether database and broker are reachable: 200 or 503."""
    state = request.app.state
    parts = {"database": has_database(state.context.settings.database.conninfo), "broker": state.broker.is_connected}
    if all(parts.values()):
        return JSONResponse({"ready": True, **parts})
    away = " and ".join(name for name, reachable in parts.items() if not reachable)
    return problems.problem(503, Unavailable.code, f"Not reachable: {away}.", ready=False, **parts)


@router.api_route("/metrics", methods=["GET", "HEAD"])
def tell_metrics(request: Request) -> Response:
    """What this server, all gateways and all agents count, for Prometheus."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


def has_database(conninfo: str) -> bool:
    """Whether the database answers within READY_TIMEOUT_S, with a connection of its own: the pool may be busy."""
    try:
        with psycopg.connect(conninfo, connect_timeout=READY_TIMEOUT_S) as connection:
            connection.execute(f"SET statement_timeout = {READY_TIMEOUT_S * 1000}")
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


class RequestCounter:
    """ASGI middleware that counts answers by method, route and status."""

    def __init__(self, app: ASGIApp, counts: Counter[tuple[str, str, str]]) -> None:
        """counts: raised by one for each answer."""
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Never the path itself: whoever asks for random ones would fill the memory with their names.
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._counts[method, route, str(message["status"])] += 1
            await send(message)

        await self._app(scope, receive, count if scope["type"] == "http" else send)


class Metrics(Collector):
    """Reads at each scrape what this process counts, and of gateways and agents what the tables say."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        requests: Mapping[tuple[str, str, str], int],
        statuses: Mapping[str, int],
        told: Mapping[str, int],
        viewers: Callable[[], int],
        is_connected: Callable[[], bool],
    ) -> None:
        """The sources; the mappings are counted on elsewhere while this reads them."""
        self._engine = engine
        self._clock = clock
        self._requests = requests
        self._statuses = statuses
        self._told = told
        self._viewers = viewers
        self._is_connected = is_connected

    def describe(self) -> list[Metric]:
        """Nothing is known before the first scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics; those of the tables are left out while the database is away."""
        requests = CounterMetricFamily("muster_http_requests", "Answers given.", labels=["method", "route", "status"])
        for labels, count in sorted(self._requests.items()):
            requests.add_metric(labels, count)
        yield requests
        statuses = CounterMetricFamily("muster_agent_statuses", "Statuses of agents that arrived.", labels=["outcome"])
        for outcome, count in sorted(self._statuses.items()):
            statuses.add_metric([outcome], count)
        yield statuses
        told = CounterMetricFamily("muster_owntracks", "What phones said over MQTT.", labels=["outcome"])
        for outcome, count in sorted(dict(self._told).items()):
            told.add_metric([outcome], count)
        yield told
        yield GaugeMetricFamily("muster_live_viewers", "Open live streams.", value=self._viewers())
        yield GaugeMetricFamily(
            "muster_broker_connected", "Whether this server reaches the broker.", value=self._is_connected()
        )
        try:
            with self._engine.connect() as connection:
                gateways = connection.execute(_GATEWAYS).all()
                agents = connection.execute(_LAST_HEARD).all()
        except SQLAlchemyError as error:
            log.warning("metrics without the tables: %s", str(error).splitlines()[0])
            return
        now_s = self._clock().timestamp()
        yield from _of_gateways([(row.gateway, row.counters, float(row.at)) for row in gateways], now_s)
        reported = GaugeMetricFamily(
            "muster_agent_seconds_since_report",
            "Since the end of the newest time an agent listened to, by its reports.",
            labels=["agent"],
        )
        said = GaugeMetricFamily(
            "muster_agent_seconds_since_status", "Since an agent's status arrived.", labels=["agent"]
        )
        lost = CounterMetricFamily(
            "muster_agent_lost",
            "Windows that an agent heard and could not deliver, ever or since its start, by reason.",
            labels=["agent", "reason"],
        )
        for row in agents:
            for reason in _LOST:
                if row.counters and _is_number(row.counters.get(reason)):
                    lost.add_metric([row.id, reason], row.counters[reason])
            if row.heard_ms is not None:
                reported.add_metric([row.id], now_s - row.heard_ms / 1000)
            if row.status_at is not None:
                said.add_metric([row.id], now_s - float(row.status_at))
        yield reported
        yield said
        yield lost


def _of_gateways(rows: Iterable[tuple[str, dict[str, Any], float]], now_s: float) -> Iterator[Metric]:
    """What gateways count, as `muster_gateway_<name>_total`; a table by reason becomes a label `reason`."""
    since = GaugeMetricFamily(
        "muster_gateway_seconds_since_health", "Since a gateway wrote its counters.", labels=["gateway"]
    )
    found: dict[str, list[tuple[str, str, float]]] = {}
    for gateway, counters, at_s in rows:
        since.add_metric([gateway], now_s - at_s)
        for name, value in counters.items():
            by_reason = value if isinstance(value, dict) else {"": value}
            if _COUNTER_NAME.fullmatch(name):
                found.setdefault(name, []).extend(
                    (gateway, reason, count) for reason, count in by_reason.items() if _is_number(count)
                )
    yield since
    for name, counts in sorted(found.items()):
        labels = ["gateway", "reason"] if any(reason for _, reason, _ in counts) else ["gateway"]
        family = CounterMetricFamily(f"muster_gateway_{name}", f"What gateways count as {name}.", labels=labels)
        for gateway, reason, count in sorted(counts):
            family.add_metric([gateway, reason][: len(labels)], count)
        yield family


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def make_registry(metrics: Metrics) -> CollectorRegistry:
    """A registry of this app's own: two apps in one process share nothing."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    return registry
