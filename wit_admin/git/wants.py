"""Whether a fetch asks for what only hidden refs hold.

Protocol version 2 lets a client want any object that exists, hidden or not (gitprotocol-v2(5),
``want``), so the server has to look itself.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from wit_admin.git.environment import HIDDEN_REFS

_WANT = re.compile(rb"want ([0-9a-f]{40}(?:[0-9a-f]{24})?)\b")
_VISIBLE = ("--exclude-hidden=uploadpack", "--all")
_COMMITS = ("commit", "tag")

RunRevList = Callable[[Path, Sequence[str], Sequence[str]], AsyncIterator[bytes]]
"""Runs ``git rev-list`` in a repository: its options, and ids for standard input."""


def wanted_ids(body: bytes) -> list[str]:
    """Return the object ids that a fetch request names as wants, without doubles."""
    return list(dict.fromkeys(oid.decode() for oid in _WANT.findall(body)))


def may_have_hidden_refs(gitdir: Path) -> bool:
    """Tell cheaply whether some refs are hidden: true may be wrong, false never is."""
    if any((gitdir / prefix).exists() for prefix in HIDDEN_REFS):
        return True
    packed = _read(gitdir / "packed-refs")
    if any(f" {prefix}".encode() in packed for prefix in HIDDEN_REFS):
        return True
    config = _read(gitdir / "config").lower()
    return b"hiderefs" in config or b"include" in config


async def find_forbidden(run: RunRevList, gitdir: Path, wants: Sequence[str]) -> str | None:
    """Return a wanted object that no visible ref leads to, or ``None`` when all are fine.

    A commit must be an ancestor of a visible ref. A tree or blob, which partial clones ask for
    by id, must not be among the objects that hidden refs alone lead to.
    """
    kinds = _kinds(gitdir, wants)
    commits = [oid for oid in wants if kinds.get(oid) in _COMMITS]
    if commits:
        async for chunk in run(gitdir, ["--max-count=1", "--stdin", "--not", *_VISIBLE], commits):
            return chunk.split()[0].decode()
    others = {oid for oid in wants if kinds.get(oid) not in {*_COMMITS, None}}
    if not others:
        return None
    return await _find_in(
        run(gitdir, ["--objects", "--no-object-names", "--all", "--not", *_VISIBLE], []), others
    )


async def _find_in(chunks: AsyncIterator[bytes], wanted: set[str]) -> str | None:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.decode("ascii", "replace") in wanted:
                return line.decode()
    return None


def _kinds(gitdir: Path, oids: Sequence[str]) -> dict[str, str]:
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    names = {
        pygit2.enums.ObjectType.COMMIT: "commit",
        pygit2.enums.ObjectType.TAG: "tag",
        pygit2.enums.ObjectType.TREE: "tree",
        pygit2.enums.ObjectType.BLOB: "blob",
    }
    repository = pygit2.Repository(str(gitdir), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    found = {}
    try:
        for oid in oids:
            if oid in repository:
                found[oid] = names.get(repository[oid].type, "blob")
    finally:
        repository.free()
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
