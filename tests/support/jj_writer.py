"""Writes jj repositories as jj would, and as it would not: for eras and faults no fixture has."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pygit2

from wit_admin.git_objects import empty_tree_id
from wit_admin.jj import schema
from wit_admin.jj.change_ids import decode_change_id
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.content_hash import hash_operation, hash_view
from wit_admin.jj.ids import ROOT_OPERATION_ID, root_commit_id
from wit_admin.jj.layout import open_layout
from wit_admin.jj.operations import ROOT_OPERATION, Operation, Timestamp
from wit_admin.jj.views import decode_view

ROOT_COMMIT = root_commit_id(20)
EMPTY_TREE = empty_tree_id(20)
KINDS = {
    "store": "git",
    "op_store": "simple_op_store",
    "op_heads": "simple_op_heads_store",
    "index": "default",
    "submodule_store": "default",
}


class JjWriter:
    """One repository under construction; its Git directory is inside of it."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.repo = workspace / ".jj/repo"
        self.gitdir = self.repo / "store/git"
        for folder in (
            "op_heads/heads",
            "op_store/operations",
            "op_store/views",
            "store/extra/heads",
        ):
            (self.repo / folder).mkdir(parents=True)
        for store, kind in KINDS.items():
            (self.repo / store).mkdir(exist_ok=True)
            (self.repo / store / "type").write_text(kind)
        (self.repo / "store/git_target").write_bytes(b"git")
        self._odb = pygit2.init_repository(str(self.gitdir), bare=True).odb
        self._now_ms = 1_700_000_000_000
        self._extras: str | None = None

    # Git's objects

    def raw(self, kind: int, content: bytes) -> str:
        """Write an object of Git's kind of that number, whatever is in it."""
        return str(self._odb.write(kind, content))

    def blob(self, content: bytes) -> str:
        return str(self._odb.write(3, content))

    def tree(self, files: Mapping[str, str | Mapping[str, Any]]) -> str:
        """Write a tree of texts, and of trees by name."""
        texts = {name: text for name, text in files.items() if isinstance(text, str)}
        folders = {name: each for name, each in files.items() if not isinstance(each, str)}
        return self.tree_of(
            {name: self.tree(folder) for name, folder in folders.items()},
            {name: self.blob(text.encode()) for name, text in texts.items()},
        )

    def tree_of(self, trees: Mapping[str, str], blobs: Mapping[str, str] | None = None) -> str:
        """Write a tree of objects that are there."""
        rows = [(f"{name}/", b"40000", name, oid) for name, oid in trees.items()]
        rows += [(name, b"100644", name, oid) for name, oid in (blobs or {}).items()]
        content = b"".join(
            b"%s %s\0%s" % (mode, name.encode(), bytes.fromhex(oid))
            for _, mode, name, oid in sorted(rows)
        )
        return str(self._odb.write(2, content))

    def commit(
        self,
        *parents: str,
        description: str = "",
        tree: str = EMPTY_TREE,
        headers: Sequence[str] = (),
        change_id: str | None = None,
        seconds: int = 1_700_000_000,
    ) -> str:
        """Write a commit; ``headers`` are whole lines."""
        person = f"Ada <ada@example.org> {seconds} +0100"
        lines = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in parents if parent != ROOT_COMMIT),
            f"author {person}",
            f"committer {person}",
            *headers,
            *([f"change-id {change_id}"] if change_id else []),
        ]
        return str(self._odb.write(1, ("\n".join(lines) + "\n\n" + description).encode()))

    # jj's stores

    def extras(self, rows: Mapping[str, Mapping[str, Any]]) -> str:
        """Put a segment with these fields by commit on top of the one before."""
        values = {
            bytes.fromhex(commit_id): build("CommitExtras", **fields).SerializeToString()
            for commit_id, fields in rows.items()
        }
        content = encode_segment(self._extras, values)
        name = hashlib.blake2b(content).hexdigest()
        (self.repo / "store/extra" / name).write_bytes(content)
        (self.repo / "store/extra/heads" / name).touch()
        if self._extras is not None:
            (self.repo / "store/extra/heads" / self._extras).unlink()
        self._extras = name
        return name

    def change_ids(self, changes: Mapping[str, str]) -> str:
        """Give commits change ids in the extras alone."""
        return self.extras(
            {commit: {"change_id": decode_change_id(change)} for commit, change in changes.items()}
        )

    def write_view(self, message: Any) -> str:
        """Write a view as it is, by the id that follows from it."""
        content = message.SerializeToString()
        view_id = hash_view(decode_view("", content))
        (self.repo / "op_store/views" / view_id).write_bytes(content)
        return view_id

    def view(
        self,
        *heads: str,
        bookmarks: Mapping[str, str] | None = None,
        working_copies: Mapping[str, str] | None = None,
        origin: Mapping[str, str] | None = None,
    ) -> str:
        """Write a view as jj of today does; what is at ``origin`` is not tracked."""
        message = build("View", has_git_refs_migrated_to_remote_tags=True)
        message.head_ids.extend(bytes.fromhex(head) for head in heads or (ROOT_COMMIT,))
        for name, commit_id in (bookmarks or {}).items():
            target = build("RefTarget")
            target.conflict.adds.add(value=bytes.fromhex(commit_id))
            message.bookmarks.add(name=name, local_target=target)
        for name, commit_id in (working_copies or {}).items():
            message.wc_commit_ids.add(name=name, commit_id=bytes.fromhex(commit_id))
        if origin:
            remote = message.remote_views.add(name="origin")
            for name, commit_id in origin.items():
                remote.bookmarks.add(name=name).target_terms.add(value=bytes.fromhex(commit_id))
        return self.write_view(message)

    def operation(self, view_id: str, *parents: str, **facts: Any) -> str:
        """Write an operation, a minute after the one before; ``facts`` are fields of it."""
        self._now_ms += 60_000
        now = Timestamp(self._now_ms, 60)
        operation = dataclasses.replace(
            ROOT_OPERATION,
            **{
                "view_id": view_id,
                "parents": parents or (ROOT_OPERATION_ID,),
                "start": now,
                "end": now,
                "predecessors": {},
                **facts,
            },
        )
        operation_id = hash_operation(operation)
        self.operation_file(operation_id).write_bytes(encode_operation(operation))
        return operation_id

    def operation_file(self, operation_id: str) -> Path:
        return self.repo / "op_store/operations" / operation_id

    def set_heads(self, *operation_ids: str) -> None:
        """Make these operations current, in jj's order: first add, then remove."""
        folder = self.repo / "op_heads/heads"
        old = {path.name for path in folder.iterdir()} - set(operation_ids)
        for operation_id in operation_ids:
            (folder / operation_id).touch()
        for name in old:
            (folder / name).unlink()

    def publish(self, view_id: str, *parents: str, **facts: Any) -> str:
        """Write an operation and make it the current one."""
        operation_id = self.operation(view_id, *parents, **facts)
        self.set_heads(operation_id)
        return operation_id


def open_commits(writer: JjWriter) -> CommitStore:
    """Return the commits as a reader sees them now."""
    return CommitStore.open(open_layout(writer.workspace))


def build(kind: str, /, **fields: Any) -> Any:
    """Return a message of one of jj's kinds."""
    message = schema.new_message(kind)
    for field, value in fields.items():
        if isinstance(value, (list, tuple)):
            getattr(message, field).extend(value)
        elif hasattr(value, "SerializeToString"):
            getattr(message, field).CopyFrom(value)
        else:
            setattr(message, field, value)
    return message


def encode_operation(operation: Operation) -> bytes:
    """Return the bytes that jj of today writes for an operation."""
    message = build("Operation", view_id=bytes.fromhex(operation.view_id))
    message.parents.extend(bytes.fromhex(parent) for parent in operation.parents)
    metadata = message.metadata
    for time, its in ((operation.start, metadata.start_time), (operation.end, metadata.end_time)):
        its.millis_since_epoch, its.tz_offset = time.ms, time.tz_minutes
    metadata.description = operation.description
    metadata.hostname, metadata.username = operation.hostname, operation.username
    metadata.is_snapshot = operation.is_snapshot
    for key, value in operation.attributes.items():
        metadata.attributes.add(key=key, value=value)
    if operation.workspace_name is not None:
        metadata.workspace_name = operation.workspace_name
    message.stores_commit_predecessors = operation.predecessors is not None
    for new, old in (operation.predecessors or {}).items():
        message.commit_predecessors.add(
            commit_id=bytes.fromhex(new), predecessor_ids=[bytes.fromhex(each) for each in old]
        )
    encoded: bytes = message.SerializeToString()
    return encoded


def encode_segment(parent: str | None, rows: Mapping[bytes, bytes]) -> bytes:
    """Return the bytes of a segment of a stacked table."""
    entries, values = b"", b""
    for key in sorted(rows):
        entries += key + struct.pack("<I", len(values))
        values += rows[key]
    name = (parent or "").encode("ascii")
    return struct.pack("<I", len(name)) + name + struct.pack("<I", len(rows)) + entries + values
