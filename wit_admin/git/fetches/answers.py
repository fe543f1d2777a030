"""The answers of git children to requests of ``upload-pack``, while they stream.

Source: gitprotocol-v2(5), section ``packfile``; gitprotocol-pack(5), side bands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wit_admin.git.children.child import GitChild
from wit_admin.git.pktline import Mark, write_band, write_packet

_PACK_LINE = b"packfile\n"
_DATA, _ERROR = 1, 3
_ABORTED = b"aborting due to possible repository corruption on the remote side."
"""What ``upload-pack`` says in the same case."""
_KEEP_ALIVE = b"0005\x01"
_KEEP_ALIVE_S = 5.0
"""How often a client that waits for a pack is sent an empty packet. Source: git-config(1),
``uploadpack.keepAlive``."""
_MAX_KEEP_ALIVES = 720


@dataclass(slots=True)
class UploadPackAnswer:
    """What ``git upload-pack`` answers to one request."""

    child: GitChild
    request_has_haves: bool
    sent_pack: bool = field(default=False)
    ended_well: bool = field(default=False)

    @property
    def was_clone(self) -> bool:
        """Whether a pack was sent to a client that had no commits: a clone."""
        return self.sent_pack and not self.request_has_haves

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer as git makes it."""
        async for chunk in self.child.chunks():
            # Seen in the first chunk: its sections before the pack are short, and in version 0
            # the pack is all there is.
            self.sent_pack = self.sent_pack or _PACK_LINE in chunk or b"PACK" in chunk
            yield chunk
        self.ended_well = await self.child.wait() == 0

    def complaint(self) -> str:
        """Return the last lines of git's standard error."""
        return self.child.complaint() or "it is malformed."


@dataclass(slots=True)
class PackAnswer:
    """The pack that ``git pack-objects`` makes for a client that has nothing, put into packets."""

    child: GitChild
    was_clone: bool = field(default=False)
    ended_well: bool = field(default=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer; it ends with ``upload-pack``'s own message if something goes wrong."""
        yield write_packet(_PACK_LINE)
        for _ in range(_MAX_KEEP_ALIVES):
            # git looks through the history in silence before it packs anything.
            if await self.child.has_output(within_s=_KEEP_ALIVE_S):
                break
            yield _KEEP_ALIVE
        async for chunk in self.child.chunks():
            self.was_clone = True
            yield write_band(_DATA, chunk)
        self.ended_well = await self.child.wait() == 0
        yield Mark.FLUSH.value if self.ended_well else write_band(_ERROR, _ABORTED)

    def complaint(self) -> str:
        """Return the last lines of git's standard error."""
        return self.child.complaint()
