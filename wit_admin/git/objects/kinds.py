"""Looks up the type of objects by id, without a process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

COMMITS = frozenset({"commit", "tag"})
"""The kinds of objects that refs usually name, and that a client asks for first."""

_SHA256 = re.compile(rb'objectformat\s*=\s*"?sha256', re.IGNORECASE)
_DIGITS, _SHA256_DIGITS = 40, 64
KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
"""Source: gitformat-pack(5), object types."""


def object_kinds(gitdir: Path, oids: Iterable[str]) -> dict[str, str]:
    """Return ``commit``, ``tree``, ``blob`` or ``tag`` for each id that the repository has.

    Ids of another length than the repository's are none of its.
    """
    if uses_sha256(gitdir):
        wanted = [oid for oid in oids if len(oid) == _SHA256_DIGITS]
        return dict(_kinds_by_dulwich(gitdir, wanted))
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    # The object database alone: libgit2 refuses repositories with extensions it does not know.
    database = pygit2.Odb(str(gitdir / "objects"))
    keys = {oid: pygit2.Oid(hex=oid) for oid in oids if len(oid) == _DIGITS}
    return {
        oid: KINDS[int(database.read_header(key)[0])]
        for oid, key in keys.items()
        if key in database
    }


def uses_sha256(gitdir: Path) -> bool:
    """Return whether the objects are named by SHA-256."""
    return _SHA256.search((gitdir / "config").read_bytes()) is not None


def _kinds_by_dulwich(gitdir: Path, oids: Iterable[str]) -> Iterator[tuple[str, str]]:
    from dulwich.object_format import get_object_format  # noqa: PLC0415  heavy, seldom needed
    from dulwich.object_store import DiskObjectStore  # noqa: PLC0415
    from dulwich.objects import ObjectID  # noqa: PLC0415

    store = DiskObjectStore(gitdir / "objects", object_format=get_object_format("sha256"))
    try:
        for oid in oids:
            key = ObjectID(oid.encode())
            if key in store:
                yield oid, KINDS[store.get_raw(key)[0]]
    finally:
        store.close()
