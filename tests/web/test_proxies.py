"""Whose word about the client's address is believed."""

from __future__ import annotations

import ipaddress

import pytest
from starlette.types import Scope

from wit_admin.setting_values import Network
from wit_admin.web.proxies import believe_proxies, is_local

INNER: tuple[Network, ...] = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1"))
UNIX: tuple[Network, ...] = ("unix",)


def request(client: str | None, *forwarded: bytes) -> Scope:
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    return {"type": "http", "client": (client, 1) if client else None, "headers": headers}


@pytest.mark.parametrize(
    ("client", "trusted", "forwarded", "found"),
    [
        ("10.1.1.1", INNER, (b"203.0.113.7",), "203.0.113.7"),
        ("10.1.1.1", INNER, (b"1.2.3.4, 203.0.113.7",), "203.0.113.7"),
        ("10.1.1.1", INNER, (b"1.2.3.4", b"203.0.113.7, 10.2.2.2"), "203.0.113.7"),
        ("::ffff:10.1.1.1", INNER, (b"203.0.113.7",), "203.0.113.7"),
        ("::ffff:192.0.2.1", INNER, (b"203.0.113.7",), "::ffff:192.0.2.1"),
        ("10.1.1.1", INNER, (b"[2001:db8::1]:443",), "2001:db8::1"),
        ("10.1.1.1", INNER, (b"203.0.113.7:5000",), "203.0.113.7"),
        ("10.1.1.1", INNER, (b"nonsense",), "10.1.1.1"),
        ("10.1.1.1", INNER, (b"1.2.3.4, nonsense, 10.2.2.2",), "10.2.2.2"),
        ("10.1.1.1", INNER, (), "10.1.1.1"),
        ("192.0.2.1", INNER, (b"203.0.113.7",), "192.0.2.1"),
        ("127.0.0.1", (), (b"203.0.113.7",), "127.0.0.1"),
        (None, UNIX, (b"203.0.113.7",), "203.0.113.7"),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has_is_the_clients(
    client: str | None, trusted: tuple[Network, ...], forwarded: tuple[bytes, ...], found: str
) -> None:
    scope = request(client, *forwarded)

    believe_proxies(scope, trusted)

    assert scope["client"][0] == found


@pytest.mark.parametrize(
    ("scope", "local"),
    [
        (request("127.0.0.1"), True),
        (request("::1"), True),
        (request("::ffff:127.0.0.1"), True),
        (request("192.0.2.1"), False),
        (request("127.0.0.1", b"127.0.0.1"), False),
        (request(None), False),
    ],
)
def test_local_is_only_who_comes_without_a_proxy(scope: Scope, local: bool) -> None:
    assert is_local(scope) is local
