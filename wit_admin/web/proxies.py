"""The client's address behind trusted reverse proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import Scope

from wit_admin.setting_values import UNIX_PEER, Network

_FORWARDED = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"})


def believe_proxies(scope: Scope, trusted: Sequence[Network]) -> None:
    """Put the address that trusted proxies name in place of their own.

    ``X-Forwarded-For`` is read from its end: each proxy appended whom it had seen, and only as
    long as that is a trusted proxy itself does the entry before it mean anything.
    """
    client = scope["client"]
    # To a socket of IPv6 those of IPv4 come under mapped addresses.
    address = _read_address(client[0]) if client else UNIX_PEER
    if address is None or not _is_trusted(address, trusted):
        return
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for entry in reversed(b",".join(values).decode("latin-1").split(",")):
        found = _read_address(entry.strip())
        if found is None:
            return
        scope["client"] = (found, 0)
        if not _is_trusted(found, trusted):
            return


def client_address(scope: Scope) -> str | None:
    """Return the client's address; ``None`` on a unix socket."""
    client = scope["client"]
    return (client[0] or None) if client else None


def is_local(scope: Scope) -> bool:
    """Return whether a request surely comes from this machine, not through a proxy on it."""
    client = scope["client"]
    if client is None or any(name in _FORWARDED for name, _ in scope["headers"]):
        return False
    found = _read_address(client[0])
    return found is not None and ipaddress.ip_address(found).is_loopback


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    if address == UNIX_PEER:
        return UNIX_PEER in trusted
    found = ipaddress.ip_address(address)
    return any(network != UNIX_PEER and found in network for network in trusted)


def _read_address(text: str) -> str | None:
    """Return the address without a port or brackets; ``None`` when it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
