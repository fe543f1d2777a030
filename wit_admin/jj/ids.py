"""Ids as jj writes them, and the two objects that exist without a file.

Commit ids are Git's, 40 or 64 hex digits; operation and view ids 128; change ids 32 letters.
Source: jj's lib/src/op_store.rs, lib/src/hex_util.rs.
"""

from __future__ import annotations

import re

CommitId = str
"""40 or 64 lower-case hex digits."""
ChangeId = str
"""32 letters from k to z: jj's reverse hex, in which people see it."""
OperationId = str
"""128 lower-case hex digits."""
ViewId = str
"""128 lower-case hex digits."""

OPERATION_ID_BYTES = 64
CHANGE_ID_BYTES = 16
COMMIT_ID_BYTES = frozenset({20, 32})

ROOT_OPERATION_ID: OperationId = "0" * 128
"""Parent of every first operation; it has no file."""
ROOT_VIEW_ID: ViewId = "0" * 128
"""The view of the root operation: nothing but the root commit; it has no file."""
ROOT_CHANGE_ID: ChangeId = "z" * 32

_STORE_NAME = re.compile(r"[0-9a-f]{128}", re.ASCII)


def is_store_name(name: str) -> bool:
    """Return whether jj gives this name to a finished file, unlike ``lock`` and ``.tmp…``."""
    return _STORE_NAME.fullmatch(name) is not None


def root_commit_id(id_bytes: int) -> CommitId:
    """Return the id of the virtual root commit, ancestor of all, for this length of ids."""
    return "00" * id_bytes


def is_root_commit(commit_id: CommitId) -> bool:
    """Return whether this is the virtual root commit, which Git does not have."""
    return not commit_id.strip("0")
