"""What git itself refuses of a push, by the settings ``receive.*`` of the repository.

Nothing here decides a push: git does. This foretells it. Source: git's builtin/receive-pack.c; it
protects branches only, though git-config(1) speaks of refs.
"""

from __future__ import annotations

from pathlib import Path

from wit_admin.git.refs.head import read_head
from wit_admin.git.refs.names import HEADS, ref_bytes
from wit_admin.git.repositories import storage

_LETS_PASS = {"warn", "ignore", "false", "no", "off", "0", ""}


def refusal_by_settings(gitdir: Path, ref: bytes, *, deletes: bool, forces: bool) -> str | None:
    """Return the sentence why git refuses to delete a ref or to move it back, if it does."""
    is_branch = ref.startswith(HEADS)
    if deletes and is_branch and storage.says_yes(gitdir, "receive.denyDeletes"):
        return "git refuses to delete branches here (receive.denyDeletes)."
    if deletes and _is_current(gitdir, ref) and not _may_lose_current(gitdir):
        return "git refuses to delete the branch that HEAD names (receive.denyDeleteCurrent)."
    if forces and is_branch and storage.says_yes(gitdir, "receive.denyNonFastForwards"):
        return "git refuses forced pushes here (receive.denyNonFastForwards)."
    return None


def _is_current(gitdir: Path, ref: bytes) -> bool:
    head = read_head(gitdir)
    return head is not None and ref == HEADS + ref_bytes(head)


def _may_lose_current(gitdir: Path) -> bool:
    value = storage.read_setting(gitdir, lambda config: config["receive.denyDeleteCurrent"])
    return value is not None and value.lower() in _LETS_PASS
