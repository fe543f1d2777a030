"""Parses the Authorization header; services decide whose credentials these are."""

from __future__ import annotations

import base64
import binascii

from wit_admin.errors import UnauthenticatedError
from wit_admin.services.access.actors import Credentials
from wit_admin.web.headers import Headers

_MAX_HEADER_BYTES = 4096


def read_credentials(headers: Headers, address: str | None = None) -> Credentials | None:
    """Read ``Basic``, ``Bearer`` or ``token``; return ``None`` if nothing was sent.

    Raises:
        UnauthenticatedError: Something was sent that cannot be read.
    """
    value = headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, rest = value.strip().partition(b" ")
    kind = scheme.lower()
    if len(value) > _MAX_HEADER_BYTES or not rest.strip():
        raise _unreadable()
    if kind == b"basic":
        return _basic(rest.strip(), address)
    if kind in {b"bearer", b"token"}:
        return Credentials(secret=_text(rest.strip()), is_bearer=True, address=address)
    raise _unreadable()


def _basic(encoded: bytes, address: str | None) -> Credentials:
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _unreadable() from None
    username, colon, password = _text(decoded).partition(":")
    if not colon:
        raise _unreadable()
    return Credentials(secret=password, username=username, address=address)


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable() from None
    if "\0" in text:
        raise _unreadable()
    return text


def _unreadable() -> UnauthenticatedError:
    return UnauthenticatedError(
        "The Authorization header cannot be read.",
        hint="Send Basic with a token as the password, or Bearer with a token.",
    )
