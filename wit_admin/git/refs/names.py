"""Names of refs: what git allows, and how bytes become text.

Source: git-check-ref-format(1).
"""

from __future__ import annotations

import re

HEADS = b"refs/heads/"
HEADS_TEXT = HEADS.decode()
"""Before the name of a branch, where refs are text."""
_REF_TO_HEADS = f"ref: {HEADS_TEXT}"

_BAD_REF = re.compile(rb"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$", re.DOTALL)
_HEAD = re.compile(rb"ref:[ \t\r\n]*refs/|[0-9a-fA-F]{40}")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def is_ref_name(ref: bytes) -> bool:
    """Return whether ``ref`` is a full name below ``refs/``."""
    return ref.startswith(b"refs/") and not _BAD_REF.search(ref)


def ref_text(ref: bytes) -> str:
    r"""Return a ref name as text: UTF-8, and ``\xNN`` for a byte that is none.

    No ref name has a backslash of its own, so :func:`ref_bytes` can take it back.
    """
    return ref.decode("utf-8", "backslashreplace")


def ref_bytes(text: str) -> bytes:
    """Return the ref name that :func:`ref_text` made readable."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())


def is_head(data: bytes) -> bool:
    """Return whether git would take a folder with this in its HEAD for a repository.

    Source: git's setup.c, ``validate_headref``.
    """
    return _HEAD.match(data) is not None


def parse_head(data: bytes) -> str | None:
    """Return the branch that the content of a HEAD names; ``None`` if it is detached."""
    text = ref_text(data.strip())
    return text.removeprefix(_REF_TO_HEADS) if text.startswith(_REF_TO_HEADS) else None
