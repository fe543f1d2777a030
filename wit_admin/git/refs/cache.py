"""Caches refs as clients see them, as long as nothing on disk has changed.

Each use checks for changes: it compares times and inodes of the folders below ``refs/`` and of the
files beside them, as git does with ``packed-refs``.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from wit_admin.git.children.environment import HIDDEN_REFS
from wit_admin.git.files.marks import file_mark
from wit_admin.git.objects.reader import ObjectReader
from wit_admin.git.objects.tags import peel
from wit_admin.git.refs.snapshot import StoredRefs, read_refs

_RACY_NS = 20_000_000
"""Two changes within this time may get the same time stamp: a kernel at 100 Hz stamps in steps of
10 ms."""
_MAX_RENDERED = 8
_CONFIG = 2
"""The position of the config in a signature."""
_HIDDEN = tuple(prefix.encode() for prefix in HIDDEN_REFS)

Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class ShownRef:
    """A ref that clients see."""

    name: bytes
    oid: bytes
    peeled: bytes
    """The object that a tag finally points at; empty if it is not a tag."""
    symref_target: bytes | None = None


@dataclass(slots=True)
class RefSnapshot:
    """All refs of a repository that clients see, and cached answers made from them."""

    refs: tuple[ShownRef, ...]
    head: ShownRef | None
    """``HEAD``, with the ref that it names; ``None`` if that ref does not exist yet."""
    unborn_head: bytes | None
    """The ref that HEAD names, if it does not exist yet."""
    rendered: dict[bytes, bytes] = field(default_factory=dict)
    """A few answers, by request."""

    _oids: frozenset[bytes] | None = None

    @property
    def oids(self) -> frozenset[bytes]:
        """The ids that refs have, tag objects and what they point at included."""
        if self._oids is None:
            shown = (*self.refs, self.head) if self.head else self.refs
            self._oids = frozenset(oid for ref in shown for oid in (ref.oid, ref.peeled) if oid)
        return self._oids

    def remember(self, request: bytes, answer: bytes) -> bytes:
        """Cache an answer for equal requests, and return it."""
        if len(self.rendered) >= _MAX_RENDERED:
            self.rendered.clear()
        self.rendered[request] = answer
        return answer


@dataclass(frozen=True, slots=True)
class _Entry:
    signature: Signature
    stored: StoredRefs
    snapshot: RefSnapshot
    identity: int
    """The folder's inode."""
    is_lasting: bool
    """Whether an equal signature proves it valid: nothing had changed just before it was read."""


class RefCache:
    """Snapshots of the repositories served last. Several threads may use it."""

    def __init__(self, *, max_refs: int = 500_000) -> None:
        self._known: OrderedDict[Path, _Entry] = OrderedDict()
        self._max_refs = max_refs
        self._count = 0
        self._lock = Lock()

    def get(self, gitdir: Path) -> RefSnapshot:
        """Return the refs as they are on disk now.

        Raises:
            NotPlainError: git itself has to be asked.
        """
        return self.find(gitdir) or self._read(gitdir, self._known.get(gitdir))

    def find(self, gitdir: Path, *, max_folders: int | None = None) -> RefSnapshot | None:
        """Return the cached refs if they are still the same on disk.

        It checks each folder below ``refs/``; with more than ``max_folders`` it returns ``None``.

        Raises:
            NotPlainError: git itself has to be asked.
        """
        known = self._known.get(gitdir)
        if known is None or not known.is_lasting:
            return None
        folders = known.stored.folders
        if max_folders is not None and len(folders) > max_folders:
            return None
        return known.snapshot if _signature(gitdir, folders) == known.signature else None

    def has_current_settings(self, gitdir: Path) -> bool:
        """Return whether the settings are the same as when the refs were read.

        This is for answers that depend on the settings, but not on the refs.

        Raises:
            NotPlainError: git itself has to be asked.
        """
        known = self._known.get(gitdir)
        if known is None or not known.is_lasting:
            return False
        return file_mark(os.fsencode(gitdir) + b"/config") == known.signature[_CONFIG]

    def _read(self, gitdir: Path, former: _Entry | None) -> RefSnapshot:
        began = time.time_ns()
        identity = file_mark(os.fsencode(gitdir))
        if former is not None and (identity is None or former.identity != identity[0]):
            # It was removed and created again under the same name: all that was cached is invalid.
            former = None
        stored = read_refs(gitdir, known=former.stored.packed if former else None)
        signature = _signature(gitdir, stored.folders)
        snapshot = _show(gitdir, stored, former.snapshot if former else None)
        newest = max(mark[1] for mark in signature if mark is not None)
        # A folder that changed after it was read has a time after the beginning.
        is_lasting = newest < began - _RACY_NS
        entry = _Entry(signature, stored, snapshot, identity[0] if identity else 0, is_lasting)
        self._keep(gitdir, entry)
        return snapshot

    def _keep(self, gitdir: Path, entry: _Entry) -> None:
        with self._lock:
            former = self._known.pop(gitdir, None)
            if former is not None:
                self._count -= len(former.stored.refs) + 1
            self._known[gitdir] = entry
            self._count += len(entry.stored.refs) + 1
            while self._count > self._max_refs and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                self._count -= len(oldest.stored.refs) + 1


def _signature(gitdir: Path, folders: tuple[bytes, ...]) -> Signature:
    root = os.fsencode(gitdir)
    files = (root, root + b"/HEAD", root + b"/config", root + b"/packed-refs")
    return tuple([file_mark(path) for path in (*files, *folders)])


def _show(gitdir: Path, stored: StoredRefs, former: RefSnapshot | None) -> RefSnapshot:
    seen = {} if former is None else {ref.name: ref for ref in former.refs}
    shown = []
    objects = ObjectReader(gitdir)
    for ref in stored.refs:
        if ref.name.startswith(_HIDDEN):
            continue
        before = seen.get(ref.name)
        if before is None or before.oid != ref.oid or before.symref_target != ref.symref_target:
            peeled = peel(objects, ref.oid) if ref.peeled is None else ref.peeled
            before = ShownRef(ref.name, ref.oid, peeled, ref.symref_target)
        shown.append(before)
    head = None
    if stored.head_oid is not None:
        # A branch holds commits; a detached HEAD may hold anything.
        peeled = b"" if stored.head_target else peel(objects, stored.head_oid)
        head = ShownRef(b"HEAD", stored.head_oid, peeled, stored.head_target)
    return RefSnapshot(tuple(shown), head, None if head else stored.head_target)
