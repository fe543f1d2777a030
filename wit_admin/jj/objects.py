"""Reads Git's objects by id, raw. It opens only the folders of objects, and reads no settings.

Loose objects are read here; packs by libgit2, which supports only SHA-1, or else by dulwich, which
is slower.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.files import list_names
from wit_admin.jj.loose_objects import read_loose

MAX_OBJECT_BYTES = 16 * 1024**2
"""Larger commits, trees and files are not taken into memory."""
_SHA1_BYTES = 20


class Packs(Protocol):
    """The packed objects of a repository."""

    def find(self, oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
        """Return the kind and the content of a packed object; ``None`` if there is none.

        Raises:
            DamagedJjError: It is torn, or larger than ``most_bytes``.
            UnreadableJjError: The disk or its permissions forbid it.
        """


class Objects:
    """All objects of a repository. Not for several threads at once."""

    def __init__(self, folders: tuple[Path, ...], id_bytes: int) -> None:
        self._folders = folders
        self._id_bytes = id_bytes
        self._opened = _list_packs(folders)
        self._packs = _open_packs(folders, id_bytes)

    def read(self, oid: str, kind: str) -> bytes:
        """Return the content of a ``commit``, ``tree`` or ``blob``, without Git's own header.

        Raises:
            MissingJjError: It is not there.
            DamagedJjError: It is of another kind, malformed, or larger than
                :data:`MAX_OBJECT_BYTES`.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        found = self._find(oid)
        if found is None and self._reopen():
            found = self._find(oid)
        if found is None:
            raise MissingJjError(f"Git has no {kind} {oid}.")
        if found[0] != kind:
            raise DamagedJjError(f"{oid} is a {found[0]}, not a {kind}.")
        return found[1]

    def _reopen(self) -> bool:
        """Open the packs anew if there are others now: Git may have moved the object into one."""
        packs = _list_packs(self._folders)
        if packs == self._opened:
            return False
        self._opened, self._packs = packs, _open_packs(self._folders, self._id_bytes)
        return True

    def _find(self, oid: str) -> tuple[str, bytes] | None:
        # Packs first, as in Git: where there are many objects, they are in packs.
        return self._packs.find(oid, most_bytes=MAX_OBJECT_BYTES) or read_loose(
            self._folders, oid, most_bytes=MAX_OBJECT_BYTES
        )


def _list_packs(folders: tuple[Path, ...]) -> list[frozenset[str]]:
    return [frozenset(_names(folder / "pack")) for folder in folders]


def _names(folder: Path) -> Iterable[str]:
    try:
        return list_names(folder)
    except MissingJjError:
        return ()


def _open_packs(folders: tuple[Path, ...], id_bytes: int) -> Packs:
    # Both libraries are heavy, and neither is needed to read operations and views.
    if id_bytes == _SHA1_BYTES:
        from wit_admin.jj.packs_sha1 import Sha1Packs  # noqa: PLC0415

        return Sha1Packs(folders)
    from wit_admin.jj.packs_sha256 import Sha256Packs  # noqa: PLC0415

    return Sha256Packs(folders)
