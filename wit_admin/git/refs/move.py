"""Updates one branch by git's own locking protocol.

Source: git's lockfile.h; refs/files-backend.c, ``files_log_ref_write`` and ``commit_ref_update``.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.files.writes import replace_locked
from wit_admin.git.refs.head import read_head
from wit_admin.git.refs.names import HEADS, ref_text
from wit_admin.git.refs.values import read_ref


@dataclass(frozen=True, slots=True)
class Committer:
    """Who moves a ref, as the reflog keeps it."""

    name: str
    email: str


def move_branch(gitdir: Path, ref: bytes, *, old: bytes, new: bytes, who: Committer) -> None:
    """Move an existing branch; durable when this returns.

    Raises:
        NotPlainError: Somebody holds its lock, it has another value, or is a symbolic ref. Nothing
            has changed.
        OSError: The disk refuses. The branch has its old value.
    """
    path = gitdir / os.fsdecode(ref)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with replace_locked(path) as file:
            _check_value(gitdir, path, ref, old)
            _write_log(gitdir, ref, f"{old.decode()} {new.decode()}", who)
            file.write(new + b"\n")
    except FileExistsError:
        raise NotPlainError from None


def _check_value(gitdir: Path, path: Path, ref: bytes, old: bytes) -> None:
    """Compare under the lock, where no other process can change it."""
    try:
        is_symbolic = path.is_symlink() or path.read_bytes().startswith(b"ref:")
    except FileNotFoundError:
        # It is packed only.
        is_symbolic = False
    if is_symbolic or read_ref(gitdir, ref_text(ref)) != old.decode():
        raise NotPlainError


def _write_log(gitdir: Path, ref: bytes, change: str, who: Committer) -> None:
    line = f"{change} {who.name} <{who.email}> {int(time.time())} +0000\tpush\n"
    is_head = read_head(gitdir) == ref_text(ref.removeprefix(HEADS))
    for name in (ref, b"HEAD") if is_head else (ref,):
        log = gitdir / "logs" / os.fsdecode(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        # One write in append mode: no line of another process can come in between.
        with log.open("ab", buffering=0) as file:
            file.write(line.encode())
