"""JSON requests and answers: small bodies, checked fields, errors as one kind of object."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wit_admin.errors import InvalidInputError, WitError
from wit_admin.json_values import to_json
from wit_admin.web.body import BodyLimits, ClientGoneError, read_body, read_whole
from wit_admin.web.headers import collect_headers
from wit_admin.web.problems import Problem, problem_of

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 1024
CHALLENGE = b'Bearer realm="wit"'
"""Not Basic, since browsers then ask for a password by themselves."""

NOT_STORED = {"cache-control": "no-store"}
"""For answers that no cache may keep."""

_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Endpoint = Callable[[Request], Awaitable[Response]]


def json_route(path: str, method: str, answer: Endpoint) -> Route:
    """Return a route whose failures are ``{"error": {"kind", "message", "hint"}}``."""
    return json_resource(path, {method: answer})


def json_resource(path: str, answers: Mapping[str, Endpoint]) -> Route:
    """Return the same for an address that takes several methods."""

    async def answer_or_refuse(request: Request) -> Response:
        try:
            return await _choose(request, answers)(request)
        except ClientGoneError:
            log.info("A client left before its request was complete.")
            return Response(status_code=400)
        except WitError as error:
            problem = problem_of(error)
            return _refusal(problem, error.kind, error.message, error.hint)
        except Problem as problem:
            return _refusal(problem, "http", problem.message, None)

    # All methods, since Starlette would answer a wrong one without a sentence.
    return Route(path, answer_or_refuse, methods=_ALL_METHODS)


async def read_object(request: Request, idle_timeout_s: float) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises:
        Problem: 415 for another content type, 408 for a silent client.
        InvalidInputError: The body is not a JSON object.
        TooLargeError: It is larger than :data:`MAX_BODY_BYTES`.
    """
    headers = collect_headers(request.scope["headers"])
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json":
        raise Problem(415, "The content type must be application/json.")
    limits = BodyLimits(MAX_BODY_BYTES, idle_timeout_s)
    body = await read_whole(read_body(request.receive, headers, limits))
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInputError("The request body is not JSON.") from None
    if not isinstance(content, dict):
        raise InvalidInputError("The request body is not a JSON object.")
    return content


def text_field(content: dict[str, Any], name: str) -> str:
    """Return a field that must be there and be text.

    Raises:
        InvalidInputError: It is missing, of another type, or text that no database can hold.
    """
    value = content.get(name)
    if not isinstance(value, str):
        raise InvalidInputError(f"The field '{name}' must be text.")
    if not is_storable(value):
        raise InvalidInputError(f"The field '{name}' holds characters that are not allowed.")
    return value


def is_storable(text: str) -> bool:
    """Return whether every database can hold a text."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def answer_json(request: Request, content: Any) -> Response:
    """Return an answer with an ``ETag``, by which the client can ask whether it has changed."""
    body = json.dumps(content, default=to_json, separators=(",", ":")).encode("ascii")
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache", "vary": "Authorization"}
    known = request.headers.get("if-none-match", "")
    if tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _choose(request: Request, answers: Mapping[str, Endpoint]) -> Endpoint:
    answer = answers.get("GET" if request.method == "HEAD" else request.method)
    if answer is None:
        allow = ", ".join(answers)
        message = f"This address supports {' and '.join(answers)}."
        raise Problem(405, message, headers=((b"allow", allow.encode()),))
    return answer


def _refusal(problem: Problem, kind: str, message: str, hint: str | None) -> Response:
    content = {"error": {"kind": kind, "message": message, "hint": hint}}
    response = JSONResponse(content, status_code=problem.status)
    for name, value in problem.headers:
        shown = CHALLENGE if name == b"www-authenticate" else value
        response.headers[name.decode()] = shown.decode()
    return response
