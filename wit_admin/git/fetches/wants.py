"""Refuses fetches of objects that only hidden refs hold.

Protocol version 2 lets a client want any object that exists, hidden or not (gitprotocol-v2(5),
``want``), so the server has to look itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from wit_admin.git.children.environment import HIDDEN_REFS
from wit_admin.git.objects.kinds import COMMITS, object_kinds
from wit_admin.git.repositories.storage import says_yes

_WANT = re.compile(rb"(?:want|oid) ([0-9a-fA-F]{40})([0-9a-fA-F]{24})?")
"""Found anywhere, not only where packets begin: one too many costs a look-up, one too few could
give out hidden objects. git reads digits of either case, and ignores what follows them. ``oid`` is
for the command ``object-info``, which tells the size of any object."""
_MAX_READ_BYTES = 16 * 1024 * 1024
_VISIBLE = ("--exclude-hidden=uploadpack", "--all")
_NEW = ("rev-list", "--max-count=1", "--stdin", "--not")
_HIDDEN = ("rev-list", "--objects", "--no-object-names", "--all", "--not")
_TIPS = ("for-each-ref", "--format=%(objectname) %(refname)")

RunGit = Callable[[Path, Sequence[str], Sequence[str]], AsyncIterator[bytes]]
"""Runs git in a repository: a command with its options, and ids for standard input."""


def wanted_ids(body: bytes) -> list[str]:
    """Return the object ids that a fetch request may name as wants, in lower case, once each.

    Whether 40 digits are the id or 64 depends on the repository, so both are returned.
    """
    found: dict[str, None] = {}
    for short, rest in _WANT.findall(body):
        found[short.decode().lower()] = None
        if rest:
            found[(short + rest).decode().lower()] = None
    return list(found)


def first_want(body: bytes) -> bytes:
    """Return the first object id that a fetch request wants, in lower case; empty without one."""
    found = _WANT.search(body)
    return b"" if found is None else b"".join(part or b"" for part in found.groups()).lower()


def may_have_hidden_refs(gitdir: Path) -> bool:
    """Return, by a cheap look, whether refs may be hidden: true may be wrong, false never is."""
    if any((gitdir / prefix).exists() for prefix in HIDDEN_REFS):
        return True
    packed = _read(gitdir / "packed-refs")
    if packed is None or any(f" {prefix}".encode() in packed for prefix in HIDDEN_REFS):
        return True
    for name in ("config", "config.worktree"):
        config = _read(gitdir / name)
        if config is None or b"hiderefs" in config.lower() or b"include" in config.lower():
            return True
    return False


def asks_for_commits(gitdir: Path, body: bytes) -> bool:
    """Return whether a request wants history; one that completes a partial clone wants blobs."""
    found = _WANT.search(body)
    if found is None:
        return False
    oids = wanted_ids(found[0])
    return not COMMITS.isdisjoint(object_kinds(gitdir, oids).values())


async def find_forbidden(run: RunGit, gitdir: Path, wants: Sequence[str]) -> str | None:
    """Return a wanted object that no visible ref leads to; ``None`` if there is none.

    A commit must be an ancestor of a visible ref. A tree or blob, which partial clones ask for
    by id, must not be among the objects that hidden refs alone lead to. If the repository allows it
    (``uploadpack.allowTipSHA1InWant``), a client may also have what its hidden refs point at.
    """
    if await asyncio.to_thread(says_yes, gitdir, "uploadpack.allowTipSHA1InWant"):
        given = await _tips_of_the_repository(run, gitdir)
        wants = [oid for oid in wants if oid not in given]
    # Hundreds of thousands may be asked for, and meanwhile others want to be served.
    kinds = await asyncio.to_thread(object_kinds, gitdir, wants)
    commits = [oid for oid in wants if kinds.get(oid) in COMMITS]
    if commits:
        async for chunk in run(gitdir, [*_NEW, *_VISIBLE], commits):
            return chunk.split()[0].decode()
    others = {oid for oid in wants if kinds.get(oid) not in {*COMMITS, None}}
    if not others:
        return None
    return await _find_in(run(gitdir, [*_HIDDEN, *_VISIBLE], []), others)


async def _tips_of_the_repository(run: RunGit, gitdir: Path) -> set[str]:
    """Return what all refs point at, except those that this server hides in every repository."""
    listed = b"".join([chunk async for chunk in run(gitdir, _TIPS, [])]).decode("ascii", "replace")
    refs = (line.split(" ", 1) for line in listed.splitlines())
    return {oid for oid, name in refs if not name.startswith(HIDDEN_REFS)}


async def _find_in(chunks: AsyncIterator[bytes], wanted: set[str]) -> str | None:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.decode("ascii", "replace") in wanted:
                return line.decode()
    return None


def _read(path: Path) -> bytes | None:
    """Return the content; ``None`` for a file that is too large to look through."""
    try:
        if path.stat().st_size > _MAX_READ_BYTES:
            return None
        return path.read_bytes()
    except FileNotFoundError:
        return b""
