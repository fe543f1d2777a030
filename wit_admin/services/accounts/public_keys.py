"""Parses OpenSSH public keys, and computes their fingerprints.

Source: RFC 4253 section 6.6 and RFC 5656 section 3.1 (the blob), sshd(8) "AUTHORIZED_KEYS
FILE FORMAT" (the line).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from wit_admin.errors import InvalidInputError

_MIN_RSA_BITS = 2048
_ED25519_BYTES = 32
_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_UNCOMPRESSED = b"\x04"
_ED25519 = {"ssh-ed25519": 2, "sk-ssh-ed25519@openssh.com": 3}
_ECDSA = {f"ecdsa-sha2-{curve}": 3 for curve in _POINT_BYTES}
_SK_ECDSA = {"sk-ecdsa-sha2-nistp256@openssh.com": 4}
_FIELDS = {"ssh-rsa": 3, **_ED25519, **_ECDSA, **_SK_ECDSA}
"""The accepted kinds of keys, with the number of strings in the blob of each."""
_HINT = "Give the line of the .pub file: ssh-ed25519 AAAA… comment."


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key for pushing over SSH."""

    line: str
    """The kind and base64, without the comment."""
    comment: str
    fingerprint: str
    """As ``ssh-keygen -lf`` prints it: ``SHA256:…`` without padding."""


def parse_public_key(text: str) -> PublicKey:
    """Parse the line of a ``.pub`` file.

    Raises:
        InvalidInputError: It is a private key, weak, damaged, or not a key.
    """
    if "PRIVATE KEY" in text or text.startswith("PuTTY-User-Key-File"):
        raise InvalidInputError("This is a private key; it must stay with its owner.", hint=_HINT)
    parts = text.strip().split(maxsplit=2)
    if len(parts) < 2 or len(text.strip().splitlines()) != 1:  # noqa: PLR2004  kind and base64
        raise InvalidInputError("This is not a public key.", hint=_HINT)
    kind, encoded, comment = parts[0], parts[1], "".join(parts[2:])
    if kind not in _FIELDS:
        known = ", ".join(_FIELDS)
        raise InvalidInputError(
            f"Keys of the kind {kind!r} are not accepted.", hint=f"Known: {known}."
        )
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise InvalidInputError("The key is not base64.", hint=_HINT) from None
    fields = _split(blob)
    if len(fields) != _FIELDS[kind] or fields[0] != kind.encode():
        raise InvalidInputError("The key is damaged.", hint=_HINT)
    _check_strength(kind, fields)
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    line = f"{kind} {base64.b64encode(blob).decode()}"
    return PublicKey(line, comment, f"SHA256:{digest}")


def _split(blob: bytes) -> list[bytes]:
    """Return the strings of a blob; an empty list if it ends in the middle of one."""
    fields, at = [], 0
    while at < len(blob):
        if at + 4 > len(blob):
            return []
        (length,) = struct.unpack_from(">I", blob, at)
        at += 4 + length
        if at > len(blob):
            return []
        fields.append(blob[at - length : at])
    return fields


def _check_strength(kind: str, fields: list[bytes]) -> None:
    if kind == "ssh-rsa":
        bits = int.from_bytes(fields[2]).bit_length()
        if bits < _MIN_RSA_BITS:
            raise InvalidInputError(
                f"An RSA key of {bits} bits is weak.", hint="Make one: ssh-keygen -t ed25519"
            )
    elif kind in _ED25519:
        _refuse_unless(len(fields[1]) == _ED25519_BYTES)
    else:
        curve = fields[1].decode("ascii", "replace")
        _refuse_unless(curve in kind and curve in _POINT_BYTES)
        _refuse_unless(fields[2][:1] == _UNCOMPRESSED and len(fields[2]) == _POINT_BYTES[curve])


def _refuse_unless(is_whole: bool) -> None:  # noqa: FBT001  reads as a sentence
    if not is_whole:
        raise InvalidInputError("The key is damaged.", hint=_HINT)
