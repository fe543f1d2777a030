"""Parses the headers of raw Git commits, including those that jj adds.

Source: jj's lib/src/git_backend.rs, commit_from_git_without_root_parent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from wit_admin.errors import DamagedJjError
from wit_admin.jj.frozen import maker
from wit_admin.jj.ids import CommitId
from wit_admin.jj.operations import Timestamp

MAX_TEXT_CHARACTERS = 10_000
"""The most characters to keep of a description or name: anybody who pushes can make them very long,
and thousands of commits are in memory at the same time."""

TreeId = str
"""The id of a Git tree, as a commit id is."""

_EMPTY_NAME = "JJ_EMPTY_STRING"
"""jj writes this for an empty name, because Git refuses empty names."""
_TREES = b"jj:trees"
_TIME = re.compile(rb"\s*([+-]?\d{1,19})(?!\d)(?:\s+([+-]\d{4})(?:\d\d)?(?!\d))?")
"""Some write seconds behind the minutes of the zone; jj leaves them out, as it does other zones."""
_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What Unicode calls white space. Python strips four control characters more."""
_MAX_SHARED = 200
"""The longest name with address that is cached: most commits share theirs."""
_LINE_END = re.compile(rb"\n(?! )")
"""The end of a header: a next line that begins with a space would continue it."""
_TREE_IDS = re.compile(
    rb"[0-9a-f]{40}(?: [0-9a-f]{40})*|[0-9a-f]{64}(?: [0-9a-f]{64})*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Signature:
    """Who made or committed a change, and when, to the second."""

    name: str
    email: str
    time: Timestamp


_make_signature, _make_time = maker(Signature), maker(Timestamp)


def read_labels(value: bytes) -> tuple[str, ...]:
    """Return the names of a conflict's terms."""
    labels = value.decode("utf-8", "replace").removesuffix("\n")
    return tuple(labels.split("\n")) if labels else ()


def read_headers(head: bytes) -> tuple[tuple[CommitId, ...], Mapping[bytes, bytes]]:
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
    # Not line by line: one value may have millions of lines.
    return [line.replace(b"\n ", b"\n") for line in _LINE_END.split(head)]


def read_trees(oid: CommitId, headers: Mapping[bytes, bytes]) -> tuple[TreeId, ...]:
    """Return the terms of a conflict; none where there is no conflict.

    Raises:
        DamagedJjError: They are no trees, or of an even number.
    """
    value = headers.get(_TREES)
    if value is None:
        return ()
    trees = tuple(value.decode("ascii", "replace").lower().split(" "))
    if not _TREE_IDS.fullmatch(value) or len(trees) < 3 or len(trees) % 2 == 0:  # noqa: PLR2004
        raise DamagedJjError(f"The commit {oid} has a conflict with {len(trees)} terms.")
    return trees


def read_signature(value: bytes) -> Signature:
    """Parse an ``author`` or ``committer`` header, in any form."""
    end = value.rfind(b">") + 1
    left = value.find(b"<", 0, end)
    if left < 0:
        return Signature(_name(read_text(value)), "", Timestamp(0, 0))
    if end <= _MAX_SHARED:
        name, email = _person(read_text(value[:end]))
    else:
        address = value[left:end].lstrip(b"<\t\n\f\r ").rstrip(b">\t\n\f\r ")
        name, email = _name(read_text(value[:left])), _name(read_text(address))
    return Signature(name, email, _time(_TIME.match(value, end)))


def build_signature(person: str, seconds: str, zone: str) -> Signature:
    """Return the signature from the parts of a header in the usual form."""
    name, email = _person(person) if len(person) <= _MAX_SHARED else _split_person(person)
    return _make_signature(name, email, _make_time(int(seconds) * 1000, _zone(zone)))


def _split_person(text: str) -> tuple[str, str]:
    left = text.find("<")
    # Where there are several angle brackets, all of them are left out.
    return _name(text[:left]), _name(text[left:].lstrip("<\t\n\f\r ").rstrip(">\t\n\f\r "))


_person = lru_cache(maxsize=1024)(_split_person)
"""Cached, so that a history holds each person only once."""


def _name(text: str) -> str:
    text = text.strip(_BLANKS)
    return "" if text == _EMPTY_NAME else text


def read_text(value: bytes) -> str:
    """Decode text, cut at :data:`MAX_TEXT_CHARACTERS`."""
    # No character takes more than four bytes.
    return value[: 4 * MAX_TEXT_CHARACTERS].decode("utf-8", "replace")[:MAX_TEXT_CHARACTERS]


def _time(found: re.Match[bytes] | None) -> Timestamp:
    # jj knows no number of more than 64 bits.
    if found is None or abs(int(found[1])) >= 1 << 63:
        return Timestamp(0, 0)
    seconds, zone = found.groups()
    return Timestamp(int(seconds) * 1000, _zone(zone.decode()) if zone else 0)


@lru_cache(maxsize=64)
def _zone(text: str) -> int:
    """Return the minutes east of UTC."""
    minutes = int(text[1:3]) * 60 + int(text[3:])
    return -minutes if text.startswith("-") else minutes
