"""Disables the filter programs (``filter.<driver>``) that a repository's config names.

A push writes such files where ``receive.denyCurrentBranch`` is ``updateInstead``.
Source: gitattributes(5), ``filter``; git-config(1), ``filter.<driver>`` and its syntax.
"""

from __future__ import annotations

import re
from pathlib import Path

_FILES = ("config", "config.worktree")
_HEADER = re.compile(rb"\[\s*filter", re.IGNORECASE)
_PLAIN_HEADER = re.compile(rb'\[filter "([A-Za-z0-9._-]+)"\]', re.IGNORECASE)
_ELSEWHERE = re.compile(rb"worktree\s*=", re.IGNORECASE)
_SILENT = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))
"""An empty command passes content on as it is."""
_REFUSE = [("receive.denyCurrentBranch", "refuse")]


def silence_filters(gitdir: Path) -> list[tuple[str, str]]:
    """Return the settings under which a push runs none of the repository's filters.

    Where that cannot be told for certain, or the working tree may be another folder than the one
    around ``gitdir``, no push checks anything out. The text is searched and not parsed, because
    a second parser might find fewer filters than git does.
    """
    if (gitdir / "worktrees").exists():
        return _REFUSE
    names = set[str]()
    for name in _FILES:
        path = gitdir / name
        content = path.read_bytes() if path.exists() else b""
        plain = _PLAIN_HEADER.findall(content)
        if _ELSEWHERE.search(content) or len(plain) != len(_HEADER.findall(content)):
            return _REFUSE
        names.update(found.decode() for found in plain)
    return [(f"filter.{name}.{key}", value) for name in sorted(names) for key, value in _SILENT]
