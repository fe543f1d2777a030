"""The three URLs of git's smart HTTP protocol. Source: gitprotocol-http(5)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs

from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName
from wit_admin.web.headers import Headers
from wit_admin.web.notes import Operation
from wit_admin.web.problems import Problem

PROBE = b"0000"
"""git sends just a flush before a large request, to learn whether it must sign in."""


class Service(enum.Enum):
    """The two services of git; the value is the name in URLs."""

    UPLOAD_PACK = "git-upload-pack"
    RECEIVE_PACK = "git-receive-pack"

    @property
    def command(self) -> str:
        """The name without ``git-``."""
        return self.value.removeprefix("git-")

    def content_type(self, kind: str) -> bytes:
        """Return the media type of this service's ``request``, ``result`` or ``advertisement``."""
        return f"application/x-{self.value}-{kind}".encode()


@dataclass(frozen=True, slots=True)
class GitRoute:
    """Which repository, which service, and whether this is the discovery or the call itself."""

    name: RepoName
    service: Service
    is_advertisement: bool


_PATH = re.compile(
    # No owner is called api, but one may be called objects.
    rb"/(?!api/)(?P<owner>[^/]+)/(?P<repo>[^/]+)/"
    rb"(?P<rest>info/refs|git-[a-z-]+|HEAD|objects/.*)"
)
_VERSION = re.compile(rb"(?:^|:)version=([0-2])(?=:|$)")
_MAX_GIT_PROTOCOL_BYTES = 256
_LS_REFS = b"command=ls-refs"
_COMMAND_BYTES = 64


def is_git_path(raw_path: bytes) -> bool:
    """Return whether a path belongs to the git server, even if it is not valid."""
    return _PATH.fullmatch(raw_path) is not None


def match_route(method: str, raw_path: bytes, query: bytes) -> GitRoute:
    """Parse the URL of a git request.

    Raises:
        Problem: 404 for invalid names, 403 for services that are not offered, 405 for
            another method.
    """
    found = _PATH.fullmatch(raw_path)
    if found is None:
        raise Problem(404, "There is nothing here.")
    name = _name(found["owner"], found["repo"])
    rest = found["rest"].decode("ascii", "replace")
    if rest == "info/refs":
        _check_method(method, "GET", "HEAD")
        return GitRoute(name, _queried_service(query), is_advertisement=True)
    if not rest.startswith("git-"):
        raise Problem(403, "Only git's smart HTTP protocol is served; this client asks for files.")
    service = _service(rest)
    _check_method(method, "POST")
    return GitRoute(name, service, is_advertisement=False)


@lru_cache(64)
def protocol_version(header: bytes | None) -> int:
    """Return the highest version of git's protocol that ``Git-Protocol`` names; 0 without it."""
    if header is None or len(header) > _MAX_GIT_PROTOCOL_BYTES:
        return 0
    return max((int(version) for version in _VERSION.findall(header)), default=0)


def operation_of(route: GitRoute, body: bytes = b"") -> Operation:
    """Return the operation that a request counts as; the beginning of ``body`` is enough."""
    if route.is_advertisement:
        return Operation.ADVERTISEMENT
    if route.service is Service.RECEIVE_PACK:
        return Operation.RECEIVE_PACK
    return Operation.LS_REFS if _LS_REFS in body[:_COMMAND_BYTES] else Operation.UPLOAD_PACK


def has_content_type(headers: Headers, service: Service) -> bool:
    """Return whether the content type of a request is that of this service."""
    said = headers.get(b"content-type", b"").strip().lower()
    return said == service.content_type("request")


def _name(owner: bytes, repo: bytes) -> RepoName:
    # Names need no percent encoding, so a client that uses it wants to slip past a check.
    try:
        return RepoName(owner.decode("ascii"), repo.decode("ascii").removesuffix(".git"))
    except (UnicodeDecodeError, InvalidInputError):
        raise Problem(404, "No repository can have that name.") from None


def _queried_service(query: bytes) -> Service:
    try:
        values = parse_qs(query.decode("ascii"), max_num_fields=8).get("service", [])
    except ValueError:
        raise Problem(400, "The query string cannot be read.") from None
    if len(values) != 1:
        raise Problem(
            403, "Only git's smart HTTP protocol is served; git 1.6.6 and newer speak it."
        )
    return _service(values[0])


def _service(name: str) -> Service:
    try:
        return Service(name)
    except ValueError:
        raise Problem(403, "This server offers git-upload-pack and git-receive-pack.") from None


def _check_method(method: str, *allowed: str) -> None:
    if method not in allowed:
        allow = ", ".join(allowed).encode()
        raise Problem(
            405, "This address does not support the method.", headers=((b"allow", allow),)
        )
