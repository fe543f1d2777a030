"""Git requests that are answered from memory: advertisements, ``ls-refs``, fetches given before.

Asked of the same parts as in :mod:`wit_admin.web.git_http`, to which everything is left that one
of them does not know at once. Nothing here waits.
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
from wit_admin.services.actors import Credentials
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
from wit_admin.web.headers import collect_headers
from wit_admin.web.metrics import WorkerMetrics
from wit_admin.web.notes import Notes
from wit_admin.web.observe import note_reply
from wit_admin.web.problems import Problem
from wit_admin.web.questions import QuickReply, WholeRequest
from wit_admin.web.request_ids import find_request_id, new_request_id

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_BYTES = 64 * 1024
"""Larger answers go out in pieces, as fast as the client takes them."""
_ROUTES = 512
_NO_CACHE = b"".join(b"%b: %b\r\n" % header for header in NO_CACHE)
_HEADERS = {
    is_advertisement: b"content-type: %b\r\n" % Service.UPLOAD_PACK.content_type(kind) + _NO_CACHE
    for is_advertisement, kind in ((True, "advertisement"), (False, "result"))
}


class GitRecall:
    """What a connection asks before it makes a task of a request."""

    def __init__(self, forge: Forge, metrics: WorkerMetrics) -> None:
        self._gate = forge.gate
        self._backend = forge.backend
        self._metrics = metrics

    def __call__(self, request: WholeRequest) -> GitQuestion | None:
        """Return what is asked for, if it may be known."""
        return _unless_it_fails(lambda: self._read(request))

    def _read(self, request: WholeRequest) -> GitQuestion | None:
        route = _route(request.method, request.url)
        if route is None:
            return None
        headers = collect_headers(request.headers)
        is_odd = b"content-encoding" in headers or not has_content_type(headers, route.service)
        if is_odd and not route.is_advertisement:
            return None
        return GitQuestion(
            self,
            request,
            route,
            protocol_version(headers.get(b"git-protocol")),
            read_credentials(headers),
            find_request_id(request.headers),
        )

    def answer(self, question: GitQuestion) -> QuickReply | None:
        """Return the answer if it is known, noted in log and metrics as any other."""
        return _unless_it_fails(lambda: self._answer(question, time.perf_counter()))

    def _answer(self, question: GitQuestion, started: float) -> QuickReply | None:
        served = self._gate.recall(question.route.name, question.credentials)
        ready = None if served is None else self._recall(question, served)
        if served is None or ready is None or ready.was_clone or len(ready.body) > _MOST_BYTES:
            return None
        notes = question.note(served, ready)
        request = question.request
        note_reply(request.method.decode("ascii"), request.url, self._metrics, notes, started)
        identity = b"x-request-id: %b\r\n" % notes.request_id.encode("ascii")
        return QuickReply(_HEADERS[question.route.is_advertisement] + identity, ready.body)

    def _recall(self, question: GitQuestion, served: Served) -> ReadyAnswer | None:
        version = question.version
        if question.route.is_advertisement:
            command = question.route.service.command
            advertised = self._backend.recall_advertisement(command, served.gitdir, version)
            return None if advertised is None else ReadyAnswer(advertised)
        return self._backend.recall_answer(served.gitdir, question.request.body, version)


@dataclass(frozen=True, slots=True)
class GitQuestion:
    """A request that was read; nothing in it depends on when it is asked."""

    recall: GitRecall
    request: WholeRequest
    route: GitRoute
    version: int
    credentials: Credentials | None
    request_id: str | None

    @property
    def may_be_kept(self) -> bool:
        """Nothing in it is secret, nor of this one time."""
        return self.credentials is None and self.request_id is None

    def answer(self) -> QuickReply | None:
        """Return the answer if it is known."""
        return self.recall.answer(self)

    def note(self, served: Served, ready: ReadyAnswer) -> Notes:
        """Return what is to be noted of its answer."""
        return Notes(
            self.request_id or new_request_id(),
            operation_of(self.route, self.request.body),
            user=served.actor.username if served.actor else None,
            status=200,
            bytes_in=len(self.request.body),
            bytes_out=len(ready.body),
        )


def _unless_it_fails(work: Callable[[], T | None]) -> T | None:
    """Return what comes of it; a request that failed is refused, or fails, in the usual way."""
    try:
        return work()
    except (Problem, WitError):
        return None
    except Exception:
        log.exception("A request could not be answered from memory by a bug of ours.")
        return None


@lru_cache(_ROUTES)
def _route(method: bytes, url: bytes) -> GitRoute | None:
    """Return what is asked for if it is to read and is not just the head of it."""
    path, _, query = url.partition(b"?")
    if method not in {b"GET", b"POST"} or not is_git_path(path):
        return None
    route = match_route(method.decode("ascii"), path, query)
    return route if route.service is Service.UPLOAD_PACK else None
