"""Whether the server and its database answer: ``/health``, ``/livez``, ``/readyz``."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wit_admin import __version__
from wit_admin.db.engine import ping
from wit_admin.errors import WitError
from wit_admin.forge import Forge

_PATIENCE_S = 1.0


def health_routes(forge: Forge) -> list[Route]:
    """Return the three routes. ``/livez`` never touches the database."""

    async def health(_request: Request) -> Response:
        latency_ms = await _latency_ms(forge)
        is_connected = latency_ms is not None
        is_ok = is_connected or forge.engine is None
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return JSONResponse(
            {
                "status": "ok" if is_ok else "degraded",
                "version": __version__,
                "timestamp": now,
                "database": {"connected": is_connected, "latency": latency_ms},
            }
        )

    async def ready(_request: Request) -> Response:
        if forge.engine is not None and await _latency_ms(forge) is None:
            return PlainTextResponse("The database cannot be reached.\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def live(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    return [Route("/health", health), Route("/readyz", ready), Route("/livez", live)]


async def _latency_ms(forge: Forge) -> float | None:
    """Return how long the database takes in milliseconds; ``None`` when it is gone or slow."""
    if forge.engine is None:
        return None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return round(await run_in_threadpool(ping, forge.engine) * 1000, 3)
    except (WitError, TimeoutError):
        return None
