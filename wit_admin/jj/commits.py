"""Decodes commits as jj understands them, from Git's raw bytes and jj's extras.

Source: jj's lib/src/git_backend.rs, commit_from_git_without_root_parent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import empty_tree_id
from wit_admin.jj import change_ids
from wit_admin.jj.commit_extras import NO_EXTRAS, Extras
from wit_admin.jj.commit_headers import (
    MAX_TEXT_CHARACTERS,
    Signature,
    TreeId,
    build_signature,
    read_headers,
    read_labels,
    read_signature,
    read_text,
    read_trees,
)
from wit_admin.jj.frozen import maker
from wit_admin.jj.ids import ROOT_CHANGE_ID, ChangeId, CommitId, is_root_commit, root_commit_id
from wit_admin.jj.operations import Timestamp

_LABELS = b"jj:conflict-labels"
_SIGNATURES = {40: b"gpgsig", 64: b"gpgsig-sha256"}
"""The header by the length of ids: the other one signs the same commit under its other id."""
_SIGNED = r"([^<>\n]*+<[^<>\n]*+>) ([0-9]{1,18}) ([+-][0-9]{4})"
_USUAL = re.compile(
    rf"tree ([0-9a-f]++)((?:\nparent [0-9a-f]++)*+)\nauthor {_SIGNED}"
    rf"\ncommitter (?:\3 \4 \5|{_SIGNED})(?:\nchange-id ([k-z]{{32}}))?\n\n"
)
"""The beginning of nearly all commits; most committers are the author, at the same time."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; immutable."""

    id: CommitId
    change_id: ChangeId
    parents: tuple[CommitId, ...]
    """A commit without parents in Git has the root commit; only the root commit has none."""
    trees: tuple[TreeId, ...]
    """Terms, alternately added and removed; one term if there is no conflict."""
    conflict_labels: tuple[str, ...]
    """A name for each term, from jj 0.37 on; may be empty."""
    description: str
    author: Signature
    committer: Signature
    is_signed: bool
    predecessors: tuple[CommitId, ...]
    """The predecessors by the extras. Newer jj shows those in the operations instead."""

    @property
    def has_conflict(self) -> bool:
        """Whether jj calls it conflicted, even if no path is in conflict."""
        return len(self.trees) > 1

    @property
    def is_root(self) -> bool:
        """Whether it is the virtual root commit."""
        return is_root_commit(self.id)


_make_commit = maker(Commit)
_NOBODY = Signature("", "", Timestamp(0, 0))


def root_commit(id_bytes: int) -> Commit:
    """Return the virtual root commit, for this length of ids."""
    return Commit(
        id=root_commit_id(id_bytes),
        change_id=ROOT_CHANGE_ID,
        parents=(),
        trees=(empty_tree_id(id_bytes),),
        conflict_labels=(),
        description="",
        author=_NOBODY,
        committer=_NOBODY,
        is_signed=False,
        predecessors=(),
    )


def decode_commit(
    oid: CommitId, content: bytes, extras: Extras = NO_EXTRAS, *, is_shallow: bool = False
) -> Commit:
    """Return the commit in Git's raw bytes; ``is_shallow`` cuts it off from its parents.

    Raises:
        DamagedJjError: It is no commit, or its conflict has an even number of terms.
    """
    # Shorter than what any text in it is cut to.
    if len(content) <= MAX_TEXT_CHARACTERS:
        usual = _USUAL.match(content.decode("utf-8", "replace"))
        if usual is not None:
            return _decode_usual(oid, usual, extras, is_shallow=is_shallow)
    head, _, message = content.partition(b"\n\n")
    parents, headers = read_headers(head)
    try:
        tree, author = headers[b"tree"], headers[b"author"]
        committer = headers[b"committer"]
    except KeyError:
        raise DamagedJjError(f"The commit {oid} is malformed.") from None
    labels = headers.get(_LABELS)
    signed_by = read_signature(author)
    change_id = extras.change_id or change_ids.read_header(headers.get(b"change-id"))
    return Commit(
        id=oid,
        change_id=change_id or change_ids.synthesize(oid),
        parents=(() if is_shallow else parents) or (root_commit_id(len(oid) // 2),),
        trees=read_trees(oid, headers) or extras.trees or (tree.decode("ascii", "replace"),),
        conflict_labels=read_labels(labels) if labels is not None else (),
        description=read_text(message),
        author=signed_by,
        committer=signed_by if committer == author else read_signature(committer),
        is_signed=_SIGNATURES[len(oid)] in headers,
        predecessors=extras.predecessors,
    )


def _decode_usual(
    oid: CommitId, usual: re.Match[str], extras: Extras, *, is_shallow: bool
) -> Commit:
    """Like :func:`decode_commit`, in less time, for the usual form."""
    tree, parents, author, at, zone, committer, then, there, change_id = usual.groups()
    signed_by = build_signature(author, at, zone)
    own_parents = () if is_shallow else tuple(parents.split("\nparent ")[1:])
    # Positional, in the order of the fields: ten keyword arguments take half as long again.
    return _make_commit(
        oid,
        extras.change_id or change_id or change_ids.synthesize(oid),
        own_parents or (root_commit_id(len(oid) // 2),),
        extras.trees or (tree,),
        (),
        usual.string[usual.end() :],
        signed_by,
        signed_by if committer is None else build_signature(committer, then, there),
        False,  # noqa: FBT003  it has no such header
        extras.predecessors,
    )
