"""The section ``[wit]`` is read as git reads it, whatever else stands in a config."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wit_admin.git.repositories.wit_section import parse_own, render_own

CONFIGS = [
    b"",
    b"[wit]\n\tid = 1\n",
    b"[WIT]\r\n\tID = 1\r\n",
    b"\xef\xbb\xbf[wit]id=1",
    b'[wit "x"]\nid = 1\n[wit]\nname = a\n[wit "y"]\nname = b\n',
    b"[wit.x]\nid = 1\n[wit]\nid=2\n",
    b"[core]\nbare\n[wit] id = 1 ; comment \\\n name = a # b\n",
    b'[wit]\nid = "a b" c  \n name = " x " # no\n',
    b'[wit]\nid = a\\\n  b\\"c\\\\\\tn\\n\n',
    b'[wit]\nid = "a#b;c" d#e\n',
    b"# [wit]\n;[wit]\n[core]\nx = [wit]\n[wit]\nvalueless\nid = \xff\n",
    b"[wit]\nid = 1\n[wit]\nid = 2\n[core]\nid = 3\n",
    b'[wit]\nid = "" \\\n  b\n',
    b"[wit]\nid =\n",
    b"[wit]\nid = 1\n[include]\n\tpath = /etc/passwd\n",
]
REFUSED = [
    b"[wit]\nid = 1\n[core\n",
    b'[wit]\nid = "open\n',
    b"[wit]\nid = a\\q\n",
    b"[wit]\nid 1\n",
    b"[wit]\n=1\n",
    b"[wit]\n_id = 1\n",
    b"[wit ]\nid = 1\n",
    b"[wit]\nid # 1\n",
]
PIECES = st.sampled_from(
    [
        b"[wit]",
        b"[core]",
        b'[wit "s\\"]"]',
        b"\n",
        b"\r\n",
        b"id = ",
        b"na-me=",
        b"flag",
        b'"',
        b"\\\\",
        b"\\n",
        b"\\\n",
        b'\\"',
        b"#",
        b";",
        b" ",
        b"abc",
        b"]",
        b"=",
        "é".encode(),
    ]
)


def read_by_git(config: bytes) -> dict[str, str]:
    """Return what git says of the section; nothing where it refuses the file."""
    done = subprocess.run(
        ["git", "config", "--file", "-", "--no-includes", "--list", "-z"],
        input=config,
        capture_output=True,
        check=False,
    )
    own: dict[str, str] = {}
    if done.returncode == 0:
        for entry in done.stdout.split(b"\0")[:-1]:
            key, is_set, value = entry.partition(b"\n")
            if key.startswith(b"wit.") and key.count(b".") == 1:
                own[key[4:].decode()] = value.decode("utf-8", "replace") if is_set else "true"
    return own


@pytest.mark.parametrize("config", CONFIGS)
def test_config_is_read_as_git_reads_it(config: bytes) -> None:
    assert parse_own(config) == read_by_git(config)


@pytest.mark.parametrize("config", REFUSED)
def test_config_that_git_refuses_says_nothing(config: bytes) -> None:
    assert read_by_git(config) == {}
    assert parse_own(config) == {}


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map(b"".join))
def test_any_config_is_read_as_git_reads_it(rest: bytes) -> None:
    config = b"[wit]\nid = 1\n" + rest

    assert parse_own(config) == read_by_git(config)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_value_that_is_written_is_read_again_by_git_and_by_us(value: str) -> None:
    config = b"[core]\n\tbare = true\n" + render_own({"id": "7", "description": value})

    assert parse_own(config) == {"id": "7", "description": value}
    assert read_by_git(config) == {"id": "7", "description": value}
