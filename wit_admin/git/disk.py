"""The folder of repositories, and who looks at what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.ancestry import Ancestry
from wit_admin.git.inspection import Inspector


@dataclass(frozen=True, slots=True)
class Disk:
    """Everything below one root."""

    root: Path
    inspector: Inspector
    """Says whether git may work in a repository."""
    ancestry: Ancestry
    """Says which updates were forced."""
