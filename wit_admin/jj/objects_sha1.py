"""Objects named by SHA-1, through libgit2."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from wit_admin.errors import DamagedJjError, MissingJjError, UnreadableJjError
from wit_admin.jj.objects import MAX_OBJECT_BYTES, NUMBER_OF_KIND, Kind, unfit

_MAX_MERGED_BYTES = 1024**2


@dataclass(slots=True)
class Sha1Objects:
    """See :class:`wit_admin.jj.objects.Objects`."""

    folder: Path
    _odb: pygit2.Odb = field(init=False)

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        try:
            self._odb = pygit2.Odb(str(self.folder))
        except (pygit2.GitError, OSError) as error:
            raise UnreadableJjError(f"{self.folder} cannot be opened: {error}.") from error

    def read(self, oid: str, kind: Kind) -> bytes:
        """See :meth:`wit_admin.jj.objects.Objects.read`."""
        try:
            return self._read(oid, kind)
        except KeyError:
            # Git may have moved it into a pack that was not there when we opened.
            self._open()
        try:
            return self._read(oid, kind)
        except KeyError as error:
            raise MissingJjError(f"Git has no {kind} {oid}.") from error

    def _read(self, oid: str, kind: Kind) -> bytes:
        try:
            found, size = self._odb.read_header(oid)
            if found != NUMBER_OF_KIND[kind] or size > MAX_OBJECT_BYTES:
                raise unfit(oid, kind)
            return self._odb.read(oid)[1]
        except KeyError:
            raise
        except (pygit2.GitError, ValueError, OSError) as error:
            raise DamagedJjError(f"The {kind} {oid} cannot be read: {error}.") from error

    def merge_files(self, base: str, left: str, right: str) -> bytes | None:
        """See :meth:`wit_admin.jj.objects.Objects.merge_files`."""
        contents = [self.read(oid, "blob") for oid in (base, left, right)]
        if any(b"\0" in content or len(content) > _MAX_MERGED_BYTES for content in contents):
            return None
        # Without a folder, so that no setting of the repository counts.
        repository = pygit2.Repository()
        repository.set_odb(self._odb)
        try:
            merged = repository.merge_file_from_index(_entry(base), _entry(left), _entry(right))
        except (pygit2.GitError, UnicodeDecodeError):
            return None
        if not merged.automergeable or merged.contents is None:
            return None
        return merged.contents.encode()


def _entry(oid: str) -> pygit2.IndexEntry:
    return pygit2.IndexEntry("merged", pygit2.Oid(hex=oid), FileMode.BLOB)
