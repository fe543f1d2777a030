"""Whether the disk of the repositories is there: a mount that is missing leaves an empty folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.plain_files import read_plain
from wit_admin.services.root_marker import MOST_BYTES, NAME


@dataclass(slots=True)
class RootPresence:
    """The root of repositories, some of which were seen in it."""

    root: Path
    _marker: bytes = b""
    """What its marker held; see :mod:`wit_admin.services.root_marker`."""

    def look(self) -> bool:
        """Tell whether it is there: a folder that is not empty, and the same as before."""
        is_empty = False
        try:
            with os.scandir(self.root) as entries:
                is_empty = next(entries, None) is None
            marker = read_plain(str(self.root / NAME), MOST_BYTES)
        except PermissionError:
            marker = b""
        except OSError:
            return False
        if is_empty or (marker and self._marker and marker != self._marker):
            return False
        self._marker = marker or self._marker
        return True
