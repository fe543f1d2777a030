"""The messages of jj's stores, declared for the protobuf library by their field numbers.

Unknown fields are skipped, so newer jj can be read. Enums are plain numbers here, which is the same
on the wire and keeps unknown values.
Source: protobuf's descriptor.proto; fields as of jj 0.45.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from wit_admin.errors import DamagedJjError

_PACKAGE = "jj"

_MESSAGES: Final[dict[str, str]] = {
    "Timestamp": "1 int64 millis_since_epoch, 2 int32 tz_offset",
    "Attribute": "1 string key, 2 string value",
    "OperationMetadata": """
        1 Timestamp start_time, 2 Timestamp end_time, 3 string description, 4 string hostname,
        5 string username, 6 repeated Attribute attributes, 7 bool is_snapshot,
        8 optional string workspace_name""",
    "CommitPredecessors": "1 bytes commit_id, 2 repeated bytes predecessor_ids",
    "Operation": """
        1 bytes view_id, 2 repeated bytes parents, 3 OperationMetadata metadata,
        4 repeated CommitPredecessors commit_predecessors, 5 bool stores_commit_predecessors""",
    "Term": "1 optional bytes value",
    "RefConflictLegacy": "1 repeated bytes removes, 2 repeated bytes adds",
    "RefConflict": "1 repeated Term removes, 2 repeated Term adds",
    "RefTarget": """
        1 optional bytes commit_id, 2 RefConflictLegacy conflict_legacy, 3 RefConflict conflict""",
    "RemoteBookmark": "1 string remote_name, 2 RefTarget target, 3 optional int32 state",
    "Bookmark": """
        1 string name, 2 RefTarget local_target, 3 repeated RemoteBookmark remote_bookmarks""",
    "NamedTarget": "1 string name, 2 RefTarget target",
    "GitRef": "1 string name, 2 bytes commit_id, 3 RefTarget target",
    "RemoteRef": "1 string name, 2 repeated Term target_terms, 3 int32 state",
    "RemoteView": "1 string name, 2 repeated RemoteRef bookmarks, 3 repeated RemoteRef tags",
    "WorkingCopy": "1 string name, 2 bytes commit_id",
    "View": """
        1 repeated bytes head_ids, 2 bytes wc_commit_id, 3 repeated GitRef git_refs,
        5 repeated Bookmark bookmarks, 6 repeated NamedTarget local_tags,
        7 bytes git_head_legacy, 8 repeated WorkingCopy wc_commit_ids, 9 RefTarget git_head,
        11 repeated RemoteView remote_views, 12 bool has_git_refs_migrated_to_remote_tags,
        13 repeated NamedTarget git_heads""",
    "Checkout": "2 bytes operation_id, 3 string workspace_name",
    "CommitExtras": """
        1 repeated bytes root_tree, 2 repeated bytes predecessors, 4 bytes change_id,
        10 bool uses_tree_conflict_format""",
    "SegmentControl": "1 bytes commit_segment_id",
}
"""Maps are written as repeated pairs, as they are on the wire."""

_SCALARS: Final = {
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
}


def parse(name: str, content: bytes, *, what: str) -> Any:
    """Return the message of type ``name`` in ``content``; its attributes are the fields.

    Raises:
        DamagedJjError: The bytes are no such message; the sentence names ``what``.
    """
    message = _CLASSES[name]()
    try:
        message.ParseFromString(content)
    except (DecodeError, RecursionError) as error:
        raise DamagedJjError(f"{what} is torn or malformed.") from error
    return message


def new_message(name: str) -> Any:
    """Return an empty message of type ``name``, for those who write stores in tests."""
    return _CLASSES[name]()


def _build_classes() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="jj_stores.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(","):
            _add_field(message, field.split())
    # A pool of our own: another library in the process may bring jj's schema under its own names.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add_field(message: descriptor_pb2.DescriptorProto, words: list[str]) -> None:
    number, *labels, kind, name = words
    field = message.field.add(name=name, number=int(number))
    field.label = (
        descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
        if "repeated" in labels
        else descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    )
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"
    if "optional" in labels:
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")


_CLASSES: Final = _build_classes()
