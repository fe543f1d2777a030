"""Objects named by SHA-256, through dulwich."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from dulwich.errors import ChecksumMismatch, FileFormatException
from dulwich.object_format import SHA256
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID

from wit_admin.errors import DamagedJjError, MissingJjError, UnreadableJjError
from wit_admin.jj.objects import MAX_OBJECT_BYTES, NUMBER_OF_KIND, Kind, unfit

_MALFORMED = (
    FileFormatException,
    ChecksumMismatch,
    zlib.error,
    struct.error,
    ValueError,
    AssertionError,
    IndexError,
    EOFError,
)
"""What dulwich lets through when a file is torn."""


@dataclass(slots=True)
class Sha256Objects:
    """See :class:`wit_admin.jj.objects.Objects`."""

    folder: Path
    _store: DiskObjectStore = field(init=False)

    def __post_init__(self) -> None:
        self._store = DiskObjectStore(
            str(self.folder), object_format=SHA256, loose_object_size_limit=MAX_OBJECT_BYTES
        )

    def read(self, oid: str, kind: Kind) -> bytes:
        """See :meth:`wit_admin.jj.objects.Objects.read`."""
        try:
            found, content = self._store.get_raw(ObjectID(oid.encode("ascii")))
        except KeyError as error:
            raise MissingJjError(f"Git has no {kind} {oid}.") from error
        except OSError as error:
            raise UnreadableJjError(f"{oid}: {error.strerror}.") from error
        except _MALFORMED as error:
            raise DamagedJjError(f"The {kind} {oid} cannot be read: {error}.") from error
        if found != NUMBER_OF_KIND[kind] or len(content) > MAX_OBJECT_BYTES:
            raise unfit(oid, kind)
        return content

    def merge_files(self, base: str, left: str, right: str) -> bytes | None:
        """See :meth:`wit_admin.jj.objects.Objects.merge_files`."""
        return None
