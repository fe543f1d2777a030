"""Git requests that are answered from memory: advertisements, ``ls-refs``, fetches given before.

Asked of the same parts as in :mod:`wit_admin.web.git_http`, to which everything is left that one
of them does not know at once. Nothing here waits.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache

from wit_admin.errors import WitError
from wit_admin.forge import Forge
from wit_admin.git.backend import ReadyAnswer
from wit_admin.services.targets import Served
from wit_admin.web.auth import read_credentials
from wit_admin.web.exchange import NO_CACHE
from wit_admin.web.git_routes import (
    GitRoute,
    Service,
    has_content_type,
    is_git_path,
    match_route,
    operation_of,
    protocol_version,
)
from wit_admin.web.headers import Headers, collect_headers
from wit_admin.web.metrics import Board
from wit_admin.web.notes import Notes
from wit_admin.web.observe import note_reply
from wit_admin.web.problems import Problem
from wit_admin.web.quick_protocol import QuickReply, WholeRequest
from wit_admin.web.request_ids import identify

log = logging.getLogger(__name__)

_MOST_BYTES = 64 * 1024
"""Larger answers go out in pieces, as fast as the client takes them."""
_ROUTES = 512
_NO_CACHE = b"".join(b"%b: %b\r\n" % header for header in NO_CACHE)
_HEADERS = {
    (service, kind): b"content-type: %b\r\n" % service.content_type(kind) + _NO_CACHE
    for service in Service
    for kind in ("advertisement", "result")
}


class GitRecall:
    """What a connection asks before it makes a task of a request."""

    def __init__(self, forge: Forge, board: Board) -> None:
        self._gate = forge.gate
        self._backend = forge.backend
        self._board = board

    def __call__(self, request: WholeRequest) -> QuickReply | None:
        """Return the answer if it is known, noted in log and metrics as any other."""
        started = time.perf_counter()
        try:
            return self._answer(request, started)
        except (Problem, WitError):
            # It is refused in the usual way.
            return None
        except Exception:
            log.exception("A request could not be answered from memory by a bug of ours.")
            return None

    def _answer(self, request: WholeRequest, started: float) -> QuickReply | None:
        route = _route(request.method, request.url)
        if route is None:
            return None
        headers = collect_headers(request.headers)
        served = self._gate.recall(route.name, read_credentials(headers))
        ready = None if served is None else self._recall(route, served, headers, request.body)
        if served is None or ready is None or ready.was_clone or len(ready.body) > _MOST_BYTES:
            return None
        notes = Notes(
            identify(request.headers),
            operation_of(route, request.body),
            user=served.actor.username if served.actor else None,
            status=200,
            bytes_in=len(request.body),
            bytes_out=len(ready.body),
        )
        note_reply(request.method.decode("ascii"), request.url, self._board, notes, started)
        kind = "advertisement" if route.is_advertisement else "result"
        identity = b"x-request-id: %b\r\n" % notes.request_id.encode("ascii")
        return QuickReply(_HEADERS[route.service, kind] + identity, ready.body)

    def _recall(
        self, route: GitRoute, served: Served, headers: Headers, body: bytes
    ) -> ReadyAnswer | None:
        version = protocol_version(headers.get(b"git-protocol"))
        if route.is_advertisement:
            command = route.service.command
            advertised = self._backend.recall_advertisement(command, served.gitdir, version)
            return None if advertised is None else ReadyAnswer(advertised)
        if b"content-encoding" in headers or not has_content_type(headers, route.service):
            return None
        return self._backend.recall_answer(served.gitdir, body, version)


@lru_cache(_ROUTES)
def _route(method: bytes, url: bytes) -> GitRoute | None:
    """Return what is asked for if it is to read and is not just the head of it."""
    path, _, query = url.partition(b"?")
    if method not in {b"GET", b"POST"} or not is_git_path(path):
        return None
    route = match_route(method.decode("ascii"), path, query)
    return route if route.service is Service.UPLOAD_PACK else None
