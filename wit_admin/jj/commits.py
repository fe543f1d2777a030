"""Commits as jj understands them: the raw bytes of Git's, and jj's own extras, as a value.

Source: jj's lib/src/git_backend.rs, commit_from_git_without_root_parent and deserialize_extras.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import empty_tree_id
from wit_admin.jj import change_ids, schema
from wit_admin.jj.ids import (
    CHANGE_ID_BYTES,
    COMMIT_ID_BYTES,
    ROOT_CHANGE_ID,
    ChangeId,
    CommitId,
    is_root_commit,
    root_commit_id,
)
from wit_admin.jj.operations import Timestamp, commit_id

MOST_TEXT = 10_000
"""Characters that are kept of a description, and of a name: whoever pushes can make them endless,
and thousands of commits are in memory at once."""

TreeId = str
"""The id of a Git tree, as a commit id is."""

_EMPTY_NAME = "JJ_EMPTY_STRING"
"""Git refuses empty names, so jj writes this for one."""
_TREES = b"jj:trees"
_LABELS = b"jj:conflict-labels"
_TIME = re.compile(rb"\s*([+-]?\d{1,18})(?:\s+([+-]\d{4}))?")
_MOST_SHARED = 200
"""Bytes of a name with an address: most commits share them with others, which are kept."""
_LINE_END = re.compile(rb"\n(?! )")
"""A line that begins with a blank goes on with the value before it."""
_TREE_IDS = re.compile(rb"[0-9a-f]{40}(?: [0-9a-f]{40})*|[0-9a-f]{64}(?: [0-9a-f]{64})*")
_SIGNED = rb"([^<>\n]*+<[^<>\n]*+>) (\d{1,18}) ([+-]\d{4})"
_USUAL = re.compile(
    rb"tree ([0-9a-f]++)((?:\nparent [0-9a-f]++)*+)\nauthor %s\ncommitter %s"
    rb"(?:\nchange-id ([k-z]{32}))?\n\n" % (_SIGNED, _SIGNED)
)
"""How nearly all commits begin."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who made or committed a change, and when, to the second."""

    name: str
    email: str
    time: Timestamp


@dataclass(frozen=True, slots=True)
class Extras:
    """What jj keeps of a commit besides Git."""

    change_id: ChangeId | None
    trees: tuple[TreeId, ...]
    """Terms of a conflict; empty unless written by jj 0.9 to 0.39."""
    predecessors: tuple[CommitId, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; never changes."""

    id: CommitId
    change_id: ChangeId
    parents: tuple[CommitId, ...]
    """Never empty but for the root commit: what has none in Git has the root commit."""
    trees: tuple[TreeId, ...]
    """Terms in turn added and removed; one when there is no conflict."""
    conflict_labels: tuple[str, ...]
    """A name for each term, from jj 0.37 on; may be empty."""
    description: str
    author: Signature
    committer: Signature
    is_signed: bool
    predecessors: tuple[CommitId, ...]
    """Per the extras, which newer jj no longer shows; see operations for what it does show."""

    @property
    def has_conflict(self) -> bool:
        """Whether jj calls it conflicted; there may be no conflicted path nevertheless."""
        return len(self.trees) > 1

    @property
    def is_root(self) -> bool:
        """Whether it is the virtual root commit."""
        return is_root_commit(self.id)


NO_EXTRAS = Extras(None, (), ())
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


def decode_extras(oid: CommitId, content: bytes | None) -> Extras:
    """Return the row of the extras for a commit; ``None`` is no row.

    Raises:
        DamagedJjError: It is malformed.
    """
    if content is None:
        return NO_EXTRAS
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


def decode_commit(
    oid: CommitId, content: bytes, extras: Extras = NO_EXTRAS, *, is_shallow: bool = False
) -> Commit:
    """Return the commit in Git's raw bytes; ``is_shallow`` cuts it off from its parents.

    Raises:
        DamagedJjError: It is no commit, or its conflict has an even number of terms.
    """
    usual = _USUAL.match(content)
    if usual is not None:
        return _decode_usual(oid, usual, extras, is_shallow=is_shallow)
    head, _, message = content.partition(b"\n\n")
    parents, headers = _read_headers(head)
    try:
        tree, author = headers[b"tree"], headers[b"author"]
        committer = headers[b"committer"]
    except KeyError:
        raise DamagedJjError(f"The commit {oid} is malformed.") from None
    labels = headers.get(_LABELS)
    signed_by = _signature(author)
    change_id = extras.change_id or change_ids.read_header(headers.get(b"change-id"))
    return Commit(
        id=oid,
        change_id=change_id or change_ids.synthesize(oid),
        parents=(() if is_shallow else parents) or (root_commit_id(len(oid) // 2),),
        trees=_trees(oid, headers) or extras.trees or (tree.decode("ascii", "replace"),),
        conflict_labels=_read_labels(labels) if labels is not None else (),
        description=_text(message),
        author=signed_by,
        committer=signed_by if committer == author else _signature(committer),
        is_signed=b"gpgsig" in headers or b"gpgsig-sha256" in headers,
        predecessors=extras.predecessors,
    )


def _decode_usual(
    oid: CommitId, usual: re.Match[bytes], extras: Extras, *, is_shallow: bool
) -> Commit:
    """Return the same, in two thirds of the time."""
    tree, parents, author, at, zone, committer, then, there, change_id = usual.groups()
    signed_by = _usual_signature(author, at, zone)
    is_same = committer == author and then == at and there == zone
    own_id = extras.change_id or (change_id.decode() if change_id else change_ids.synthesize(oid))
    own_parents = () if is_shallow else tuple(parents.decode().split()[1::2])
    # In the order of the fields, as to name ten of them takes as long as half of them.
    return Commit(
        oid,
        own_id,
        own_parents or (root_commit_id(len(oid) // 2),),
        extras.trees or (tree.decode(),),
        (),
        _text(usual.string[usual.end() :]),
        signed_by,
        signed_by if is_same else _usual_signature(committer, then, there),
        is_signed=False,
        predecessors=extras.predecessors,
    )


def _usual_signature(person: bytes, seconds: bytes, zone: bytes) -> Signature:
    people = _shared_person if len(person) <= _MOST_SHARED else _person
    return Signature(*people(person), Timestamp(int(seconds) * 1000, _zone(zone)))


def _read_labels(value: bytes) -> tuple[str, ...]:
    labels = value.decode("utf-8", "replace").removesuffix("\n")
    return tuple(labels.split("\n")) if labels else ()


def _read_headers(head: bytes) -> tuple[tuple[CommitId, ...], Mapping[bytes, bytes]]:
    """Return the parents and, by name, the first of each header."""
    parents: list[CommitId] = []
    headers: dict[bytes, bytes] = {}
    lines = head.split(b"\n") if b"\n " not in head else _unfold(head)
    for line in lines:
        name, _, value = line.partition(b" ")
        if name == b"parent":
            parents.append(value.decode("ascii", "replace"))
        else:
            headers.setdefault(name, value)
    return tuple(parents), headers


def _unfold(head: bytes) -> list[bytes]:
    # Not line by line: millions of them may go on with one value.
    return [line.replace(b"\n ", b"\n") for line in _LINE_END.split(head)]


def _trees(oid: CommitId, headers: Mapping[bytes, bytes]) -> tuple[TreeId, ...]:
    value = headers.get(_TREES)
    if value is None:
        return ()
    trees = tuple(value.decode("ascii", "replace").split(" "))
    if not _TREE_IDS.fullmatch(value) or len(trees) < 3 or len(trees) % 2 == 0:  # noqa: PLR2004
        raise DamagedJjError(f"The commit {oid} has a conflict with {len(trees)} terms.")
    return trees


def _signature(value: bytes) -> Signature:
    end = value.rfind(b">") + 1
    if value.find(b"<", 0, end) < 0:
        return Signature(_name(value), "", Timestamp(0, 0))
    person = value[:end]
    name, email = _person(person) if end > _MOST_SHARED else _shared_person(person)
    return Signature(name, email, _time(_TIME.match(value, end)))


def _person(value: bytes) -> tuple[str, str]:
    left = value.find(b"<")
    return _name(value[:left]), _name(value[left + 1 : -1])


_shared_person = lru_cache(maxsize=1024)(_person)
"""So that a history holds each of its people once."""


def _name(value: bytes) -> str:
    text = _text(value).strip()
    return "" if text == _EMPTY_NAME else text


def _text(value: bytes) -> str:
    # No character takes more than four bytes.
    return value[: 4 * MOST_TEXT].decode("utf-8", "replace")[:MOST_TEXT]


def _time(found: re.Match[bytes] | None) -> Timestamp:
    if found is None:
        return Timestamp(0, 0)
    seconds, zone = found.groups()
    return Timestamp(int(seconds) * 1000, _zone(zone))


@lru_cache(maxsize=64)
def _zone(value: bytes | None) -> int:
    """Return the minutes east of UTC."""
    if value is None:
        return 0
    minutes = int(value[1:3]) * 60 + int(value[3:])
    return -minutes if value.startswith(b"-") else minutes
