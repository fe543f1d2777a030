"""Finds out from the reflog what became of a push whose report was lost.

git writes a ref's log before it moves the ref, with the committer that we gave the child: the
push's own id. Source: git's files-backend.c; gitrepository-layout(5), logs.
"""

from __future__ import annotations

import os
from pathlib import Path

from wit_admin.git.children.environment import PUSH_ID_HOST
from wit_admin.git.refs.names import ref_bytes
from wit_admin.git.refs.values import read_ref


def was_accepted(gitdir: Path, ref: str, push_id: str) -> bool | None:
    """Tell whether the push moved ``ref``; ``None`` when there is no log, as of a deleted ref.

    A log without an entry of the push proves that it did not. An entry whose value was neither
    kept nor built upon was written by a child that died between the log and the ref.
    """
    entries = _entries(gitdir / "logs" / os.fsdecode(ref_bytes(ref)))
    if entries is None:
        return None
    mark = f"<{push_id}@{PUSH_ID_HOST}>"
    for number, (_old, new, who) in enumerate(entries):
        if mark in who:
            later = entries[number + 1 :]
            return read_ref(gitdir, ref) == new or any(old == new for old, _, _ in later)
    return False


def _entries(log: Path) -> list[tuple[str, str, str]] | None:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    lines = [line.partition("\t")[0].split(" ", 2) for line in text.splitlines()]
    return [(line[0], line[1], line[2]) for line in lines if len(line) == 3]  # noqa: PLR2004
