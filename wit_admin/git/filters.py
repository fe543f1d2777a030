"""Programs that a repository's config names for files in a working tree, and how to silence them.

A push writes such files where ``receive.denyCurrentBranch`` is ``updateInstead``.
Source: gitattributes(5), ``filter``; git-config(1), ``filter.<driver>``.
"""

from __future__ import annotations

import re
from pathlib import Path

_FILES = ("config", "config.worktree")
_FILTER = re.compile(r"(filter\..+\.)(?:clean|smudge|process|required)", re.DOTALL)
_SILENT = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
"""An empty command passes content on as it is."""


def silence_filters(gitdir: Path) -> list[tuple[str, str]]:
    """Return the settings under which git runs none of the repository's filters."""
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    prefixes = set()
    for name in _FILES:
        if (gitdir / name).exists():
            for entry in pygit2.Config(str(gitdir / name)):
                if found := _FILTER.fullmatch(entry.name):
                    prefixes.add(found[1])
    return [(prefix + key, value) for prefix in sorted(prefixes) for key, value in _SILENT]
