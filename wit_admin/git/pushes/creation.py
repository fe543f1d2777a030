"""The advertisement of a repository that a push is about to create."""

from __future__ import annotations

from wit_admin.git.pktline import write_packet

_NO_REFS = b"0" * 40 + b" capabilities^{}\0"
_NOBODYS_ID = b"8a" * 20
_FORMAT = b"object-format=sha1"


def offer_both_formats(advertisement: bytes) -> bytes:
    """Let the client choose between SHA-1 and SHA-256 for the new repository.

    ``advertisement`` is what ``receive-pack`` says of an empty SHA-1 repository. A client takes
    any of several ``object-format`` capabilities, but reads the line that stands for "no refs" by
    its own format only (git 2.39 finds an "unexpected capabilities^{}"). So the capabilities come
    with a ``.have`` instead, which says that the server has an object; no object has this id.
    Source: gitprotocol-capabilities(5), object-format; gitprotocol-pack(5), Reference Discovery.
    """
    start = advertisement.find(_NO_REFS)
    if start < 0:
        return advertisement
    length = int(advertisement[start - 4 : start], 16) - 4
    capabilities = advertisement[start + len(_NO_REFS) : start + length]
    if _FORMAT not in capabilities:
        return advertisement
    both = capabilities.replace(_FORMAT, _FORMAT + b" object-format=sha256")
    packet = write_packet(_NOBODYS_ID + b" .have\0" + both)
    return advertisement[: start - 4] + packet + advertisement[start + length :]
