"""Carries out a small push without a git child: a few commits on top of an existing branch.

It accepts only a push that git would certainly accept: objects exactly as git writes them, all of
them needed, which refer only to each other and to what the parents of the new commits have in the
same place. git itself gets every other push, unchanged, since nothing has been written by then. The
objects are written before the ref; if the process dies in between, they are unreachable, and the
next gc removes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.objects.loose import write_loose
from wit_admin.git.objects.plain import FILE_MODES, TreeEntry, parse_commit, parse_tree
from wit_admin.git.objects.reader import ObjectReader, TooLargeObjectError
from wit_admin.git.objects.small_pack import MAX_OBJECT_BYTES, PackedObject, read_small_pack
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.report import render_acceptance
from wit_admin.git.refs.cache import RefSnapshot
from wit_admin.git.refs.move import Committer, move_branch
from wit_admin.git.refs.names import HEADS

MAX_PUSH_BYTES = 256 * 1024
_KNOWN_CAPABILITIES = frozenset(
    {b"report-status", b"report-status-v2", b"side-band-64k", b"quiet", b"object-format",
     b"object-format=sha1", b"agent", b"ofs-delta", b"delete-refs", b"session-id"}
)  # fmt: skip
_BARE = re.compile(rb"^\s*bare\s*=\s*true\s*$", re.MULTILINE | re.IGNORECASE)
_UNUSUAL_CONFIG = (b"worktree", b"sharedrepository")
_UNUSUAL_FILES = ("objects/info/alternates", "info/grafts")
_MAX_TREES = 2000
_ORDER = {b"blob": 0, b"tree": 1, b"commit": 2}


def push_in_process(
    gitdir: Path, request: PushRequest, body: bytes, snapshot: RefSnapshot, who: Committer
) -> bytes:
    """Carry out a push and return the answer to its client.

    ``body`` is the whole request. When this returns, objects and branch are on disk for good.

    Raises:
        NotPlainError: git has to judge it. Nothing that a ref leads to has changed.
    """
    command = request.commands[0]
    _check_request(request)
    _check_repository(gitdir)
    old, new = command.old.encode(), command.new.encode()
    tips = {ref.oid for ref in snapshot.refs if ref.name.startswith(HEADS)}
    store = _Store(gitdir)
    objects = read_small_pack(body[request.head_bytes :], store.read)
    _Walk(store, objects, tips).check(new, old)
    try:
        for oid, found in sorted(objects.items(), key=lambda item: _ORDER[item[1].kind]):
            write_loose(gitdir / "objects", oid, found)
        move_branch(gitdir, command.ref, old=old, new=new, who=who)
    except OSError:
        # The branch has its old value. git will say in its own words what is wrong with the disk.
        raise NotPlainError from None
    return render_acceptance(command.ref, side_band=request.side_band)


def _check_request(request: PushRequest) -> None:
    command = request.commands[0]
    names = {
        word for word in request.capabilities if not word.startswith((b"agent=", b"session-id="))
    }
    is_plain = (
        len(request.commands) == 1
        and not (command.creates or command.deletes)
        and command.old != command.new
        and len(command.new) == 40  # noqa: PLR2004  SHA-1
        and command.ref.startswith(HEADS)
        and request.wants_report
        and not (request.shallow or request.options or request.is_signed)
        and names <= _KNOWN_CAPABILITIES
    )
    if not is_plain:
        raise NotPlainError


def _check_repository(gitdir: Path) -> None:
    config = (gitdir / "config").read_bytes()
    lowered = config.lower()
    if not _BARE.search(config) or any(word in lowered for word in _UNUSUAL_CONFIG):
        raise NotPlainError
    if any(os.path.lexists(gitdir / name) for name in _UNUSUAL_FILES):
        raise NotPlainError


class _Store:
    """The objects that a repository has, as far as they are small."""

    def __init__(self, gitdir: Path) -> None:
        self._objects = ObjectReader(gitdir)

    def read(self, oid: bytes) -> PackedObject | None:
        """Return an object; ``None`` if it is missing.

        Raises:
            NotPlainError: It is larger than is worth while.
        """
        try:
            found = self._objects.read(oid, most_bytes=MAX_OBJECT_BYTES)
        except TooLargeObjectError:
            raise NotPlainError from None
        return None if found is None else PackedObject(found.kind.encode(), found.content)


@dataclass(slots=True)
class _Walk:
    """Follows everything from the new tip, and meets each new object on the way."""

    store: _Store
    objects: dict[bytes, PackedObject]
    tips: set[bytes]
    _met: set[bytes] = field(default_factory=set)
    _trees: int = 0

    def check(self, new: bytes, old: bytes) -> None:
        """Check that ``new`` builds on ``old``, and that no object is missing or superfluous."""
        waiting, reached = [new], set[bytes]()
        while waiting:
            oid = waiting.pop()
            if oid in self._met:
                continue
            commit = parse_commit(self._take(oid, b"commit"))
            self._check_tree(commit.tree, [self._tree_of(parent) for parent in commit.parents])
            for parent in commit.parents:
                if parent in self.objects:
                    waiting.append(parent)
                elif parent == old or parent in self.tips:
                    reached.add(parent)
                else:
                    raise NotPlainError
        if old not in reached or self._met != set(self.objects):
            raise NotPlainError

    def _take(self, oid: bytes, kind: bytes) -> bytes:
        found = self.objects.get(oid)
        if found is None or found.kind != kind:
            raise NotPlainError
        self._met.add(oid)
        return found.content

    def _read(self, oid: bytes, kind: bytes) -> bytes:
        found = self.objects.get(oid) or self.store.read(oid)
        if found is None or found.kind != kind:
            raise NotPlainError
        return found.content

    def _tree_of(self, commit: bytes) -> bytes:
        content = self._read(commit, b"commit")
        if not content.startswith(b"tree ") or len(content) < 45:  # noqa: PLR2004  the first line
            raise NotPlainError
        return content[5:45]

    def _entries(self, tree: bytes) -> tuple[TreeEntry, ...]:
        self._trees += 1
        if self._trees > _MAX_TREES:
            raise NotPlainError
        return parse_tree(self._read(tree, b"tree"))

    def _check_tree(self, tree: bytes, formers: Iterable[bytes]) -> None:
        """Check a tree against those that its commit's parents have in the same place."""
        known = list(formers)
        if tree in known:
            return
        entries = parse_tree(self._take(tree, b"tree"))
        before = [entry for parent in known for entry in self._entries(parent)]
        same = set(before)
        for entry in entries:
            if entry in same:
                continue
            if entry.is_delicate:
                raise NotPlainError
            if entry.is_tree:
                self._check_tree(entry.oid, _subtrees(before, entry.name))
            elif any(entry.oid == other.oid and other.mode in FILE_MODES for other in before):
                # A file that was there under another name or mode; a submodule is no file.
                continue
            else:
                self._take(entry.oid, b"blob")


def _subtrees(entries: Iterable[TreeEntry], name: bytes) -> Iterator[bytes]:
    return (entry.oid for entry in entries if entry.name == name and entry.is_tree)
