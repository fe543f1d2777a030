"""Packs of objects named by SHA-1, through libgit2."""

from __future__ import annotations

from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from wit_admin.errors import DamagedJjError

_NAMES = {
    ObjectType.COMMIT: "commit",
    ObjectType.TREE: "tree",
    ObjectType.BLOB: "blob",
    ObjectType.TAG: "tag",
}


class Sha1Packs:
    """See :class:`wit_admin.jj.objects.Packs`."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._objects = pygit2.Odb()
        for folder in folders:
            if (folder / "pack").is_dir():
                self._objects.add_backend(pygit2.OdbBackendPack(str(folder)), 1)

    def find(self, oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
        """See :meth:`wit_admin.jj.objects.Packs.find`."""
        try:
            size = self._objects.read_header(oid)[1]
            if size > most_bytes:
                raise DamagedJjError(f"The object {oid} is larger than {most_bytes} bytes.")
            kind, content = self._objects.read(oid)
        except KeyError:
            return None
        except (pygit2.GitError, ValueError, OSError) as error:
            raise DamagedJjError(f"The object {oid} cannot be read: {error}.") from error
        return _NAMES[kind], content
