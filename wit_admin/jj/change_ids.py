"""Change ids: jj's reverse hex, the header that carries them, and those made up for Git's commits.

Source: jj's lib/src/hex_util.rs; lib/src/git_backend.rs, synthetic_change_id.
"""

from __future__ import annotations

import re

from wit_admin.jj.ids import CHANGE_ID_BYTES, ChangeId, CommitId

_HEX = "0123456789abcdef"
_LETTERS = "zyxwvutsrqponmlk"
_TO_LETTERS = str.maketrans(_HEX, _LETTERS)
_TO_HEX = str.maketrans(_LETTERS, _HEX)
_HEADER = re.compile(rb"[k-z]{32}", re.IGNORECASE)
_TURNED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def encode_change_id(value: bytes) -> ChangeId:
    """Return the letters for the bytes of a change id."""
    return value.hex().translate(_TO_LETTERS)


def decode_change_id(change_id: ChangeId) -> bytes:
    """Return the bytes of a change id.

    Raises:
        ValueError: It holds something else than pairs of letters from k to z.
    """
    if not change_id.isalpha() or not set(change_id) <= set(_LETTERS):
        raise ValueError(f"{change_id!r} is no change id")
    return bytes.fromhex(change_id.translate(_TO_HEX))


def read_header(value: bytes | None) -> ChangeId | None:
    """Return the change id in a ``change-id`` header; ``None`` when jj would ignore it.

    Capital letters are valid; another length or other letters are not.
    """
    if value is None or not _HEADER.fullmatch(value):
        return None
    return value.decode("ascii").lower()


def synthesize(commit_id: CommitId) -> ChangeId:
    """Return jj's change id for a commit without one: the reversed end of the commit id."""
    end = bytes.fromhex(commit_id)[-CHANGE_ID_BYTES:]
    return encode_change_id(end[::-1].translate(_TURNED_BITS))
