"""Resolves host names, and separates public addresses from private ones.

git gets the addresses along with the name and does not resolve it again, so DNS rebinding (another
answer the next time) gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from wit_admin.errors import NotAllowedError, UnavailableError

_NAT64 = IPv6Network("64:ff9b::/96")
"""Its last 32 bits are an IPv4 address. Source: RFC 6052."""


def resolve_host(host: str, port: int, *, may_be_private: bool = False) -> tuple[str, ...]:
    """Return the addresses of a host, the preferred first.

    Raises:
        NotAllowedError: One of them is private, loopback, link-local or otherwise not public.
        UnavailableError: There are none.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnavailableError(f"The host {host} is not known.") from None
    found = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not may_be_private:
        for address in found:
            if not is_public(address):
                raise NotAllowedError(
                    f"{host} leads to {address}, which is not a public address.",
                    hint="Add --allow-private-address to allow it.",
                )
    return found


def is_public(text: str) -> bool:
    """Return whether an address is one that anybody on the internet could reach."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:  # deprecated, which ``is_global`` overlooks. Source: RFC 3879.
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one only wraps."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
