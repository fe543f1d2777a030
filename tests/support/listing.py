"""What stands in folders that others change while they are looked at."""

from __future__ import annotations

import contextlib
import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path


def listed_below(folder: Path, *patterns: str) -> list[Path]:
    """Return what stands below a folder, or of that what a pattern fits, in order.

    ``Path.rglob`` fails when a folder vanishes between being seen and being looked into;
    ``os.walk`` goes on with the next.
    """
    return sorted(
        Path(place, name)
        for place, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    )


def contents_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the files below a folder with what they hold; one that vanishes is left out."""
    for path in listed_below(folder):
        if path.is_file():
            with contextlib.suppress(FileNotFoundError):
                yield path, path.read_bytes()
