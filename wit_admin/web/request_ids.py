"""The id of a request: that of the client or of a proxy before us, or one of our own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from uuid_utils import uuid7

_VALID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PREFIX_CHARS = 24
_NUMBER_BITS = 48


class RequestIds:
    """UUIDs that cost as much as a number: of one the last 48 bits are counted up."""

    def __init__(self) -> None:
        self._prefix, self._number = _new()
        # Else all workers would give the same.
        os.register_at_fork(after_in_child=self._renew)

    def next(self) -> str:
        """Return a new id."""
        self._number = (self._number + 1) % (1 << _NUMBER_BITS)
        return f"{self._prefix}{self._number:012x}"

    def _renew(self) -> None:
        self._prefix, self._number = _new()


def _new() -> tuple[str, int]:
    whole = str(uuid7())
    return whole[:_PREFIX_CHARS], int(whole[_PREFIX_CHARS:], 16)


_ids = RequestIds()


def new_request_id() -> str:
    """Return an id for a request that came without one."""
    return _ids.next()


def find_request_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id that the client, or a proxy before us, gave the request."""
    for name, value in headers:
        if name == b"x-request-id" and _VALID.fullmatch(value):
            return str(value, "ascii")
    return None
