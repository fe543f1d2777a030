"""``/health``, ``/livez``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wit_admin import __version__
from wit_admin.forge import Forge
from wit_admin.web.metrics import WorkerMetrics
from wit_admin.web.notes import Operation, notes_of
from wit_admin.web.probe import DatabaseProbe
from wit_admin.web.proxies import is_local

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(forge: Forge) -> list[Route]:
    """Return the three routes. ``/livez`` never touches the database."""
    probe = None if forge.engine is None else DatabaseProbe(forge.engine)

    async def health(request: Request) -> Response:
        notes_of(request.scope).operation = Operation.HEALTH
        sign = None if probe is None else await probe.ask()
        is_connected = sign is not None
        is_ok = is_connected or probe is None
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return JSONResponse(
            {
                "status": "ok" if is_ok else "degraded",
                "version": __version__,
                "timestamp": now,
                "database": {"connected": is_connected, "latency": sign and sign.latency_ms},
            }
        )

    async def ready(request: Request) -> Response:
        notes_of(request.scope).operation = Operation.HEALTH
        if probe is None:
            return PlainTextResponse("ok\n")
        sign = await probe.ask()
        if sign is None:
            return PlainTextResponse("The database cannot be reached.\n", status_code=503)
        if not sign.is_current:
            return PlainTextResponse(
                "The database's schema is older than this program.\n", status_code=503
            )
        return PlainTextResponse("ok\n")

    async def live(request: Request) -> Response:
        notes_of(request.scope).operation = Operation.HEALTH
        return PlainTextResponse("ok\n")

    return [Route("/health", health), Route("/readyz", ready), Route("/livez", live)]


def metrics_route(forge: Forge, metrics: WorkerMetrics) -> Route:
    """Return ``/metrics``, which says how the server is used and so answers this machine only."""

    async def show_metrics(request: Request) -> Response:
        notes_of(request.scope).operation = Operation.METRICS
        if not forge.settings.metrics_public and not is_local(request.scope):
            return PlainTextResponse("Metrics are shown to this machine only.\n", status_code=403)
        return Response(metrics.exposition(), media_type=_METRICS_TYPE)

    return Route("/metrics", show_metrics)
