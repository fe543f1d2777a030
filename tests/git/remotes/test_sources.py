"""Where a repository may be imported from, and at which addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from wit_admin.errors import InvalidInputError, NotAllowedError, UnavailableError
from wit_admin.git.remotes.addresses import is_public, resolve_host
from wit_admin.git.remotes.sources import Source, parse_source


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (
            "https://Example.org/a/b.git",
            Source("https", "/a/b.git", "example.org"),
        ),
        ("HTTP://example.org:8080/a", Source("http", "/a", "example.org", 8080)),
        ("https://[2001:DB8::1]:444/a", Source("https", "/a", "2001:db8::1", 444)),
        ("git://example.org/a", Source("git", "/a", "example.org")),
        ("ssh://git@example.org:2222/a", Source("ssh", "/a", "example.org", 2222, "git")),
        ("git@example.org:a/b.git", Source("ssh", "/~/a/b.git", "example.org", user="git")),
        ("example.org:/srv/a", Source("ssh", "/srv/a", "example.org")),
        ("/srv/a", Source("file", "/srv/a")),
        ("file:///srv/a", Source("file", "/srv/a")),
    ],
)
def test_source_is_read(text: str, source: Source) -> None:
    assert parse_source(text) == source


def test_relative_path_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert parse_source("a/b") == Source("file", str(tmp_path / "a/b"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c touch% /tmp/x",
        "fd::17/foo",
        "https::http://example.org/a",
        "ftp://example.org/a",
        "transport://example.org/a",
        "file://host/a",
        "https://example.org",
        "https:///a",
        "https://exa mple.org/a",
        "https://example.org./a",
        "https://exämple.org/a",
        "https://ex%61mple.org/a",
        "https://[fe80::1%25eth0]/a",
        "https://example.org:port/a",
        "https://example.org/a?token=x",
        "https://example.org/a#b",
        "https://example.org\\@evil.org/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://-l@example.org/a",
        "-oProxyCommand=x:a",
        "https://example.org/a\nHost: x",
    ],
)
def test_what_git_could_take_for_more_than_a_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_source(text)


@pytest.mark.parametrize(
    "text",
    ["https://ann:secret@example.org/a", "https://secret@example.org/a", "ssh://a:secret@e.org/a"],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_source(text)

    assert "--credentials-file" in str(refused.value.hint)
    assert "secret" not in f"{refused.value.message}{refused.value.hint}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  it is refused
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::1",
    ],
)
def test_address_that_only_we_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_address_that_anybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "0"])
def test_name_of_a_private_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(NotAllowedError, match="not a public address"):
        resolve_host(host, 80)

    assert resolve_host(host, 80, may_be_private=True)


def test_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnavailableError, match="not known"):
        resolve_host("no-such-host.invalid", 80)
