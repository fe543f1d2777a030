"""The extra data that jj stores for each commit, in a table beside Git.

Source: jj's lib/src/git_backend.rs, deserialize_extras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wit_admin.errors import DamagedJjError
from wit_admin.jj import change_ids, schema
from wit_admin.jj.commit_headers import TreeId
from wit_admin.jj.ids import CHANGE_ID_BYTES, COMMIT_ID_BYTES, ChangeId, CommitId
from wit_admin.jj.operations import commit_id


@dataclass(frozen=True, slots=True)
class Extras:
    """The extra data of one commit."""

    change_id: ChangeId | None
    trees: tuple[TreeId, ...]
    """Terms of a conflict; empty unless written by jj 0.9 to 0.39."""
    predecessors: tuple[CommitId, ...]


NO_EXTRAS = Extras(None, (), ())


def decode_extras(oid: CommitId, content: bytes) -> Extras:
    """Return the row of the extras for a commit.

    Raises:
        DamagedJjError: It is malformed.
    """
    what = f"The extras of commit {oid}"
    message = schema.parse("CommitExtras", content, what=what)
    has_id = len(message.change_id) == CHANGE_ID_BYTES
    return Extras(
        change_ids.encode_change_id(message.change_id) if has_id else None,
        _extra_trees(message, what),
        tuple(commit_id(old, what) for old in message.predecessors),
    )


def _extra_trees(message: Any, what: str) -> tuple[TreeId, ...]:
    trees = tuple(tree.hex() for tree in message.root_tree)
    if not trees or not message.uses_tree_conflict_format:
        return ()
    if len(trees) % 2 == 0 or any(len(tree) // 2 not in COMMIT_ID_BYTES for tree in trees):
        raise DamagedJjError(f"{what} are torn or malformed.")
    return trees
