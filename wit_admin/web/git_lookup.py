"""Cache lookups of git requests: advertisements, ``ls-refs`` and repeated fetches.

They ask the gate (who may read) and the backend (what git answers), as the application does in
:mod:`wit_admin.web.git_http`, but only for results that those two have cached. Nothing here waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from wit_admin.errors import WitError
from wit_admin.forge import Forge
from wit_admin.git.backend import ReadyAnswer
from wit_admin.services.access.actors import Credentials
from wit_admin.services.access.targets import Served
from wit_admin.web.auth import read_credentials
from wit_admin.web.cached_responses import CachedResponse, CompleteRequest
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
from wit_admin.web.headers import collect_headers
from wit_admin.web.metrics import WorkerMetrics
from wit_admin.web.notes import Notes
from wit_admin.web.observe import note_reply
from wit_admin.web.problems import Problem
from wit_admin.web.request_ids import find_request_id, new_request_id

log = logging.getLogger(__name__)

T = TypeVar("T")

_MAX_BODY_BYTES = 64 * 1024
"""Larger responses are sent in pieces, as fast as the client takes them, by the application."""
_MAX_ROUTES = 512
_NO_CACHE = b"".join(b"%b: %b\r\n" % header for header in NO_CACHE)
_HEADERS = {
    is_advertisement: b"content-type: %b\r\n" % Service.UPLOAD_PACK.content_type(kind) + _NO_CACHE
    for is_advertisement, kind in ((True, "advertisement"), (False, "result"))
}


class GitLookups:
    """Reads lookups from requests, and looks them up in the caches of gate and backend."""

    def __init__(self, forge: Forge, metrics: WorkerMetrics) -> None:
        self._gate = forge.gate
        self._backend = forge.backend
        self._metrics = metrics

    def read(self, request: CompleteRequest) -> GitLookup | None:
        """Return the lookup of a request; ``None`` if no cache can have its response."""
        return _none_if_it_fails(lambda: self._read(request))

    def _read(self, request: CompleteRequest) -> GitLookup | None:
        route = _route(request.method, request.url)
        if route is None:
            return None
        headers = collect_headers(request.headers)
        is_odd = b"content-encoding" in headers or not has_content_type(headers, route.service)
        if is_odd and not route.is_advertisement:
            return None
        return GitLookup(
            self,
            request,
            route,
            protocol_version(headers.get(b"git-protocol")),
            read_credentials(headers),
            find_request_id(request.headers),
        )

    def find_response(self, lookup: GitLookup) -> CachedResponse | None:
        """Return the response if it is cached; recorded in log and metrics like any other."""
        return _none_if_it_fails(lambda: self._find_response(lookup, time.perf_counter()))

    def _find_response(self, lookup: GitLookup, started: float) -> CachedResponse | None:
        served = self._gate.find_cached_read(lookup.route.name, lookup.credentials)
        answer = None if served is None else self._find_answer(lookup, served)
        if (
            served is None
            or answer is None
            or answer.was_clone
            or len(answer.body) > _MAX_BODY_BYTES
        ):
            return None
        notes = lookup.note(served, answer)
        request = lookup.request
        note_reply(request.method.decode("ascii"), request.url, self._metrics, notes, started)
        identity = b"x-request-id: %b\r\n" % notes.request_id.encode("ascii")
        return CachedResponse(_HEADERS[lookup.route.is_advertisement] + identity, answer.body)

    def _find_answer(self, lookup: GitLookup, served: Served) -> ReadyAnswer | None:
        version = lookup.version
        if lookup.route.is_advertisement:
            command = lookup.route.service.command
            advertised = self._backend.find_cached_advertisement(command, served.gitdir, version)
            return None if advertised is None else ReadyAnswer(advertised)
        return self._backend.find_cached_answer(served.gitdir, lookup.request.body, version)


@dataclass(frozen=True, slots=True)
class GitLookup:
    """A parsed git request; nothing in it depends on when it is looked up."""

    lookups: GitLookups
    request: CompleteRequest
    route: GitRoute
    version: int
    credentials: Credentials | None
    request_id: str | None

    @property
    def is_reusable(self) -> bool:
        """Whether it holds neither a secret nor an id of this one request."""
        return self.credentials is None and self.request_id is None

    def find_response(self) -> CachedResponse | None:
        """Return the response if it is cached."""
        return self.lookups.find_response(self)

    def note(self, served: Served, answer: ReadyAnswer) -> Notes:
        """Return the notes on its response for log and metrics."""
        return Notes(
            self.request_id or new_request_id(),
            operation_of(self.route, self.request.body),
            user=served.actor.username if served.actor else None,
            status=200,
            bytes_in=len(self.request.body),
            bytes_out=len(answer.body),
        )


def _none_if_it_fails(work: Callable[[], T | None]) -> T | None:
    """Return the result of ``work``, or ``None`` if it fails: then the application answers."""
    try:
        return work()
    except (Problem, WitError):
        return None
    except Exception:
        log.exception("A lookup in the caches failed because of a bug.")
        return None


@lru_cache(_MAX_ROUTES)
def _route(method: bytes, url: bytes) -> GitRoute | None:
    """Return the route of a reading request; ``None`` for ``HEAD`` and for requests that write."""
    path, _, query = url.partition(b"?")
    if method not in {b"GET", b"POST"} or not is_git_path(path):
        return None
    route = match_route(method.decode("ascii"), path, query)
    return route if route.service is Service.UPLOAD_PACK else None
