"""Which kind of object an id names, read without a process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

COMMITS = frozenset({"commit", "tag"})
"""Kinds that a ref names as a rule, and a client asks for first."""

_SHA256_DIGITS = 64
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
"""Source: gitformat-pack(5), object types."""


def object_kinds(gitdir: Path, oids: Iterable[str]) -> dict[str, str]:
    """Return ``commit``, ``tree``, ``blob`` or ``tag`` for each id that the repository has."""
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    wanted = list(oids)
    if any(len(oid) == _SHA256_DIGITS for oid in wanted):
        return dict(_kinds_by_dulwich(gitdir, wanted, "sha256"))
    try:
        repository = pygit2.Repository(str(gitdir), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError:
        # libgit2 refuses extensions that it does not know, whatever they are about.
        return dict(_kinds_by_dulwich(gitdir, wanted, "sha1"))
    try:
        return {
            oid: _KINDS.get(int(repository[oid].type), "blob")
            for oid in wanted
            if oid in repository
        }
    finally:
        repository.free()


def _kinds_by_dulwich(
    gitdir: Path, oids: Iterable[str], object_format: str
) -> Iterator[tuple[str, str]]:
    from dulwich.object_format import get_object_format  # noqa: PLC0415  heavy, seldom needed
    from dulwich.object_store import DiskObjectStore  # noqa: PLC0415
    from dulwich.objects import ObjectID  # noqa: PLC0415

    store = DiskObjectStore(gitdir / "objects", object_format=get_object_format(object_format))
    try:
        for oid in oids:
            key = ObjectID(oid.encode())
            if key in store:
                yield oid, _KINDS[store.get_raw(key)[0]]
    finally:
        store.close()
