"""Which operations are current: the names in a folder are the whole truth.

A publish adds the new name before it takes the old one away, so two names mostly mean that jj is
just at work; an empty list is a folder that changed while it was listed.
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
"""More are no divergence but an attack: each needs a walk to be compared with the others."""


def list_op_heads(folder: Path) -> tuple[OperationId, ...]:
    """Return the names of current operations, sorted; looks again while there is none.

    Some may be ancestors of others, see
    :meth:`wit_admin.jj.op_store.OpStore.reduce_heads`.

    Raises:
        DamagedJjError: There is none even after a while, or there are absurdly many.
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
    """Return the names that stand there this moment, sorted; jj may be just at work on them.

    Raises:
        MissingJjError: The folder is gone.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    return tuple(sorted(filter(is_store_name, list_names(folder))))
