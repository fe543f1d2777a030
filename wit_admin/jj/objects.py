"""Git's objects, raw, by id. Only the folder of objects is opened; no setting is read.

libgit2 knows SHA-1 only; repositories of SHA-256 are read through dulwich, which is slower.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from wit_admin.errors import DamagedJjError

Kind = Literal["commit", "tree", "blob"]

NUMBER_OF_KIND: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3}
"""As Git's packs number them, and both libraries with them."""
MAX_OBJECT_BYTES = 16 * 1024**2
"""Larger commits, trees and files are not taken into memory."""
_SHA1_BYTES = 20


class Objects(Protocol):
    """Where objects are read from."""

    def read(self, oid: str, kind: Kind) -> bytes:
        """Return the content of the object, without Git's own header.

        Raises:
            MissingJjError: It is not there.
            DamagedJjError: It is of another kind, malformed, or larger than
                :data:`MAX_OBJECT_BYTES`.
            UnreadableJjError: The disk or its permissions forbid it.
        """

    def merge_files(self, base: str, left: str, right: str) -> bytes | None:
        """Return the lines of three files merged; ``None`` when that does not come out clean.

        Also where it cannot be told: files with a NUL, not in UTF-8, or large; SHA-256.

        Raises:
            MissingJjError, DamagedJjError, UnreadableJjError: As for :meth:`read`.
        """


def open_objects(folder: Path, id_bytes: int) -> Objects:
    """Return the objects in ``folder``, which :mod:`wit_admin.jj.git_dir` looked at before."""
    # Both libraries are heavy, and neither is needed to read operations and views.
    if id_bytes == _SHA1_BYTES:
        from wit_admin.jj.objects_sha1 import Sha1Objects  # noqa: PLC0415

        return Sha1Objects(folder)
    from wit_admin.jj.objects_sha256 import Sha256Objects  # noqa: PLC0415

    return Sha256Objects(folder)


def unfit(oid: str, kind: Kind) -> DamagedJjError:
    """Return the error for an object that is of another kind, or too large."""
    return DamagedJjError(f"{oid} is no {kind} of at most {MAX_OBJECT_BYTES} bytes.")
