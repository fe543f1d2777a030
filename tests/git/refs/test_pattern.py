"""Patterns over refs, beside git's own matcher."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.repositories import git_bytes, new_work
from wit_admin.errors import InvalidInputError
from wit_admin.git.refs.pattern import RefPattern

REFS = [
    f"refs/{name}"
    for name in (
        "heads/main", "heads/mainly", "heads/ma", "heads/release/1", "heads/release/1.0",
        "heads/release/a/b", "heads/release/a/b/c", "heads/x/release", "heads/x/y/release",
        "heads/relx", "heads/rel/x/y", "heads/aab", "heads/ab", "heads/a/b", "heads/a/x/b",
        "heads/a/x/y/b", "heads/axb", "heads/ä", "heads/äö", "tags/v1", "tags/v1/rc", "tags/w1",
        "notes/x", "heads/b/main", "heads/a-b/c-d/e",
    )
]  # fmt: skip
PATTERNS = [
    "main", "main*", "m*n", "*", "**", "?", "??", "release/*", "release/**", "release/**/b",
    "**/release", "*/release", "*/*/release", "a/**/b", "a**b", "a*b", "*a*b", "**/b", "**b",
    "b**", "a/**", "a/***/b", "a***", "r*/x/*", "rel**/y", "rel*/**/y", "***", "**/*/b", "*/**",
    "*-b/*-d/**", "?-?/**/e", "refs/tags/v*", "refs/tags/**", "refs/**/v1", "refs/*/v?",
    "refs/**", "refs/*", "*ö", "ä?", "ä??", "refs/**/**/b", "x/**/**/release", "a/**/x/**/b",
]  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_work(tmp_path_factory.mktemp("refs") / "work")
    oid = git_bytes(folder, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    # Names that exclude each other as files can stand side by side in this one.
    (folder / ".git/packed-refs").write_text(
        "# pack-refs with: peeled fully-peeled sorted \n"
        + "".join(f"{oid} {ref}\n" for ref in sorted(REFS, key=str.encode)),
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize("text", PATTERNS)
def test_pattern_covers_what_git_says_it_covers(repository: Path, text: str) -> None:
    pattern = RefPattern.parse(text)
    shown = git_bytes(repository, "for-each-ref", "--format=%(refname)", pattern.text)
    # git takes a pattern without wildcards for a folder, too.
    theirs = [
        ref
        for ref in shown.decode().splitlines()
        if "*" in text or "?" in text or ref == pattern.text
    ]

    ours = [ref for ref in REFS if pattern.matches(ref.encode())]

    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize(
    "text",
    ["", "/main", "main/", "a//b", "a..b", "a b", "a[b]c", "a\\*", "x.lock", "@{u}", ".", "a~1",
     "refs/heads/.x", "\x1b[31m", "a" * 200],
)  # fmt: skip
def test_what_no_ref_can_match_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        RefPattern.parse(text)


def test_name_chosen_to_be_slow_is_not() -> None:
    pattern = RefPattern.parse("*a" * 60 + "b")
    started = time.process_time()

    assert not pattern.matches(b"refs/heads/" + b"a" * 240)

    assert time.process_time() - started < 5
