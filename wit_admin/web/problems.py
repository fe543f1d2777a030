"""Errors over HTTP: a status and a sentence."""

from __future__ import annotations

import http

from wit_admin import errors

STATUS_OF_ERROR: dict[type[errors.WitError], int] = {
    errors.WitError: 500,
    errors.RefusedError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.BusyError: 409,
    errors.NotAllowedError: 403,
    errors.RefsRefusedError: 403,
    errors.TooManyAttemptsError: 429,
    errors.UnauthenticatedError: 401,
    errors.InvalidInputError: 400,
    errors.TooLargeError: 413,
    errors.ConfigError: 500,
    errors.UnavailableError: 503,
    errors.JjError: 409,
    errors.NoJjRepositoryError: 404,
    errors.UnsupportedJjError: 409,
    errors.JjPathError: 409,
    errors.DamagedJjError: 409,
    errors.TooLargeJjError: 409,
    errors.MissingJjError: 503,
    errors.UnreadableJjError: 503,
    errors.BatchError: 500,
}
"""One status for each kind of error; a test walks the tree."""

CHALLENGE = b'Basic realm="wit", charset="UTF-8"'
"""Stock git asks its credential helper only for Basic."""


class Problem(Exception):  # noqa: N818  it is an answer, named as in RFC 9457
    """A failure that belongs to HTTP itself: a status, a sentence, perhaps more headers."""

    def __init__(
        self, status: int, message: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def problem_of(error: errors.WitError) -> Problem:
    """Turn an error of the layers below into what the client sees."""
    status = STATUS_OF_ERROR[type(error)]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers = ((b"www-authenticate", CHALLENGE),)
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers = ((b"retry-after", b"5"),)
    if isinstance(error, errors.TooManyAttemptsError):
        headers = ((b"retry-after", b"%d" % error.wait_s),)
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return Problem(status, message, headers=headers)


def as_sentence(complaint: str) -> str:
    """Return what git wrote on standard error as one line that ends with a full stop."""
    lines = [line.removeprefix("fatal: ").strip() for line in complaint.splitlines()]
    text = "; ".join(line for line in lines if line) or "it is malformed"
    return text if text.endswith(".") else f"{text}."
