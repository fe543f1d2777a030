"""jj's content hash, which names operations and views.

It covers jj's data in memory, not the bytes of the file. A match proves that a file is whole; a
mismatch alone proves nothing, since newer jj may hash fields that are unknown here.
Source: jj's lib/src/content_hash.rs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from wit_admin.jj.ids import OperationId, ViewId
from wit_admin.jj.operations import Operation, Timestamp
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.views import GIT_REMOTE, RemoteRef, RemoteView, View

T = TypeVar("T")


def content_key(operation: Operation) -> str:
    """Return a key that stays the same when ``op abandon`` gives an operation a new id."""
    data = _operation(dataclasses.replace(operation, parents=()), _Era())
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def hash_operation(operation: Operation) -> OperationId:
    """Return the id that jj of today gives to an operation."""
    return _digest(_operation(operation, _Era()))


def hash_view(view: View) -> ViewId:
    """Return the id that jj of today gives to a view."""
    return _digest(_view(view, view.remotes, has_tags=True, has_heads=True))


def operation_matches(operation: Operation) -> bool:
    """Return whether the id of an operation is the hash of its content.

    False is no proof of damage: a newer jj may hash more.
    """
    eras = itertools.starmap(_Era, itertools.product((True, False), repeat=3))
    return any(_digest(_operation(operation, era)) == operation.id for era in eras)


def view_matches(view: View) -> bool:
    """Return whether the id of a view is the hash of its content.

    False is no proof of damage: a newer jj may hash more, and jj before 0.34 hashed remotes that
    it did not write.
    """
    with_git = {GIT_REMOTE: RemoteView(), **view.remotes}
    return any(
        _digest(_view(view, remotes, has_tags=has_tags, has_heads=has_heads)) == view.id
        for remotes in (view.remotes, with_git)
        for has_tags, has_heads in itertools.product((True, False), repeat=2)
    )


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=64).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class _Era:
    """The later fields that a version of jj hashes."""

    snapshot: bool = True
    workspace: bool = True
    predecessors: bool = True


def _operation(operation: Operation, era: _Era) -> bytes:
    parts = [
        _id(operation.view_id),
        _list(operation.parents, _id),
        _time(operation.start),
        _time(operation.end),
        _text(operation.description),
        _text(operation.hostname),
        _text(operation.username),
    ]
    if era.snapshot:
        parts.append(bytes([operation.is_snapshot]))
    if era.workspace:
        parts.append(_optional(operation.workspace_name, _text))
    parts.append(_map(operation.attributes, _text))
    if era.predecessors:
        replaced = operation.predecessors
        parts.append(_optional(replaced, lambda them: _map(them, _ids, _id)))
    return b"".join(parts)


def _view(
    view: View, remotes: Mapping[str, RemoteView], *, has_tags: bool, has_heads: bool
) -> bytes:
    def remote(seen: RemoteView) -> bytes:
        tags = _map(seen.tags, _remote_ref) if has_tags else b""
        return _map(seen.bookmarks, _remote_ref) + tags

    absent = RefTarget((None,))
    return b"".join(
        (
            _list(sorted(view.head_ids), _id),
            _map(view.bookmarks, _target),
            _map(view.tags, _target),
            _map(remotes, remote),
            _map(view.git_refs, _target),
            _map(view.git_heads, _target)
            if has_heads
            else _target(view.git_heads.get("default", absent)),
            _map(view.working_copies, _id),
        )
    )


def _remote_ref(ref: RemoteRef) -> bytes:
    return _target(ref.target) + struct.pack("<I", ref.is_tracked)


def _target(target: RefTarget) -> bytes:
    return _list(target.terms, lambda term: _optional(term, _id))


def _time(time: Timestamp) -> bytes:
    return struct.pack("<qi", time.ms, time.tz_minutes)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _id(text: str) -> bytes:
    data = bytes.fromhex(text)
    return struct.pack("<Q", len(data)) + data


def _ids(ids: Iterable[str]) -> bytes:
    return _list(ids, _id)


def _list(items: Iterable[T], encode: Callable[[T], bytes]) -> bytes:
    encoded = [encode(item) for item in items]
    return struct.pack("<Q", len(encoded)) + b"".join(encoded)


def _map(
    items: Mapping[str, T], encode: Callable[[T], bytes], key: Callable[[str], bytes] = _text
) -> bytes:
    # Ascending by the key's bytes; UTF-8 and hex keep the order of code points.
    encoded = [key(name) + encode(items[name]) for name in sorted(items)]
    return struct.pack("<Q", len(encoded)) + b"".join(encoded)


def _optional(item: T | None, encode: Callable[[T], bytes]) -> bytes:
    return struct.pack("<I", 0) if item is None else struct.pack("<I", 1) + encode(item)
