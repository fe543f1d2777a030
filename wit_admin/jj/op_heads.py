"""Lists the current operations: they are the file names in one folder, and nothing else.

jj adds the new name before it removes the old one, so two names mostly mean that jj is at work; an
empty list means that the folder changed while it was listed.
Source: jj's lib/src/simple_op_heads_store.rs.
"""

from __future__ import annotations

import time
from pathlib import Path

from wit_admin.errors import DamagedJjError
from wit_admin.jj.files import list_names
from wit_admin.jj.ids import OperationId, is_store_name

_WAITS_S = (0.0, 0.001, 0.004, 0.016, 0.05, 0.05)
_MAX_HEADS = 1024
"""More than that are an attack: each has to be compared with the others by a walk."""


def list_op_heads(folder: Path) -> tuple[OperationId, ...]:
    """Return the ids of the current operations, sorted; look again while there is none.

    Some may be ancestors of others, see
    :meth:`wit_admin.jj.op_store.OpStore.reduce_heads`.

    Raises:
        DamagedJjError: There is still none after a while, or there are far too many.
        MissingJjError: The folder is gone.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    for wait_s in _WAITS_S:
        if wait_s:
            time.sleep(wait_s)
        heads = peek_op_heads(folder)
        if len(heads) > _MAX_HEADS:
            raise DamagedJjError(f"{folder} holds more than {_MAX_HEADS} operation heads.")
        if heads:
            return heads
    raise DamagedJjError(
        f"{folder} names no current operation.",
        hint="After a crash the name may be lost while the operations are still there; "
        "'jj op integrate' or a backup brings it back.",
    )


def peek_op_heads(folder: str | Path) -> tuple[OperationId, ...]:
    """Return the ids that are there at this moment, sorted; jj may be changing them.

    Raises:
        MissingJjError: The folder is gone.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    return tuple(sorted(filter(is_store_name, list_names(folder))))
