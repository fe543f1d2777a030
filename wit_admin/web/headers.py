"""Request headers as a mapping of lower-case bytes, made once per request."""

from __future__ import annotations

from collections.abc import Iterable

from wit_admin.web.problems import Problem

Headers = dict[bytes, bytes]

_SINGLE = frozenset(
    {b"authorization", b"content-length", b"content-type", b"content-encoding", b"host"}
)
"""Headers of which a second one is an attempt to have two servers read two requests."""


def collect_headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers by lower-case name, repeated ones joined by a comma.

    Raises:
        Problem: 400 for a header that must not be repeated.
    """
    headers: Headers = {}
    for name, value in raw:
        key = name.lower()
        if key not in headers:
            headers[key] = value
        elif key in _SINGLE:
            raise Problem(400, f"The header {key.decode('latin-1')} was sent twice.")
        else:
            headers[key] += b", " + value
    return headers
