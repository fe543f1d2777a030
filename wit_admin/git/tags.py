"""What a tag object points at in the end.

Reads the object database alone: neither the repository's settings nor who owns it matter.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import pygit2

_TAG_HEAD = re.compile(rb"object ([0-9a-f]{40})\ntype ([a-z]+)\n")
_MAX_DEPTH = 64
_MAX_TAG_BYTES = 1024 * 1024


class TagPeeler:
    """Peels tags of one repository; opens its object database when first asked."""

    def __init__(self, gitdir: Path) -> None:
        self._objects = gitdir / "objects"
        self._database: pygit2.Odb | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Dropping it closes the packs.
        self._database = None

    def peel(self, oid: bytes) -> bytes:
        """Return what ``oid`` points at if it is a tag; ``b""`` if it is none, or missing."""
        import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

        if self._database is None:
            self._database = pygit2.Odb(str(self._objects))
        try:
            return self._peel(oid)
        except (KeyError, ValueError, pygit2.GitError):
            # git shows a ref to a missing object all the same.
            return b""

    def _peel(self, oid: bytes) -> bytes:
        import pygit2  # noqa: PLC0415  as above

        assert self._database is not None  # noqa: S101  peel() has opened it
        current, is_tag = oid, False
        for _ in range(_MAX_DEPTH):
            key = pygit2.Oid(hex=current.decode())
            kind, size = self._database.read_header(key)
            if kind != pygit2.enums.ObjectType.TAG or size > _MAX_TAG_BYTES:
                break
            found = _TAG_HEAD.match(self._database.read(key)[1])
            if found is None:
                break
            current, is_tag = found[1], True
        return current if is_tag else b""
