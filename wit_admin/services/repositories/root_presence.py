"""Checks whether the repositories' disk is there: a missing mount leaves an empty folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.files.plain import read_plain
from wit_admin.services.repositories.root_marker import MAX_MARKER_BYTES, NAME


@dataclass(slots=True)
class RootPresence:
    """The repository root, once repositories have been seen in it."""

    root: Path
    _marker: bytes = b""
    """The content of its marker file, see :mod:`wit_admin.services.repositories.root_marker`."""

    def look(self) -> bool:
        """Return whether the root is there: not empty, and with the same marker as before."""
        is_empty = False
        try:
            with os.scandir(self.root) as entries:
                is_empty = next(entries, None) is None
            marker = read_plain(str(self.root / NAME), MAX_MARKER_BYTES)
        except PermissionError:
            marker = b""
        except OSError:
            return False
        if is_empty or (marker and self._marker and marker != self._marker):
            return False
        self._marker = marker or self._marker
        return True
