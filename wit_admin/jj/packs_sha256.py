"""Packs of objects named by SHA-256, through dulwich."""

from __future__ import annotations

import struct
import weakref
import zlib
from pathlib import Path

from dulwich.errors import ChecksumMismatch, FileFormatException
from dulwich.object_format import SHA256
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID

from wit_admin.errors import DamagedJjError, UnreadableJjError

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
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


class Sha256Packs:
    """See :class:`wit_admin.jj.objects.Packs`."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._stores = [
            DiskObjectStore(str(folder), object_format=SHA256, alternates=[]) for folder in folders
        ]
        # dulwich keeps packs open, and complains of those that are left to the garbage collector.
        weakref.finalize(self, _close, self._stores)

    def find(self, oid: str, *, most_bytes: int) -> tuple[str, bytes] | None:
        """See :meth:`wit_admin.jj.objects.Packs.find`."""
        for store in self._stores:
            try:
                number, content = store.get_raw(ObjectID(oid.encode("ascii")))
            except KeyError:
                continue
            except OSError as error:
                raise UnreadableJjError(f"{oid}: {error.strerror}.") from error
            except _MALFORMED as error:
                raise DamagedJjError(f"The object {oid} cannot be read: {error}.") from error
            if len(content) > most_bytes:
                raise DamagedJjError(f"The object {oid} is larger than {most_bytes} bytes.")
            return _KINDS[number], content
        return None


def _close(stores: list[DiskObjectStore]) -> None:
    for store in stores:
        store.close()
