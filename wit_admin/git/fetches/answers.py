"""The answers of git children to requests of ``upload-pack``, while they stream.

Source: gitprotocol-v2(5), section ``packfile``; gitprotocol-pack(5), side bands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wit_admin.errors import UnavailableError
from wit_admin.git.children.child import GitChild
from wit_admin.git.pktline import Mark, write_band, write_error, write_packet

_PACK_LINE = b"packfile\n"
_SHALLOW_LINE = b"shallow-info\n"
_DATA, _PROGRESS, _ERROR = 1, 2, 3
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
        """Yield the answer as git makes it.

        Raises:
            UnavailableError: git was killed before it said anything.
        """
        has_said = is_selecting = False
        async for chunk in self.child.chunks():
            # Seen in the first chunk: its sections before the pack are short, and in version 0
            # the pack is all there is.
            self.sent_pack = self.sent_pack or _PACK_LINE in chunk or b"PACK" in chunk
            has_said, is_selecting = True, chunk.endswith(_SHALLOW_LINE)
            yield chunk
        status = await self.child.wait()
        self.ended_well = status == 0
        if status < 0 and not has_said:
            raise UnavailableError("git was stopped in the middle of its work.")
        if is_selecting and not self.ended_well:
            # No commit was left. git announces the section, and ends with no word in its protocol.
            yield write_error(self.complaint().removeprefix("fatal: "))

    def complaint(self) -> str:
        """Return the last lines of git's standard error."""
        return self.child.complaint() or "it is malformed."


@dataclass(slots=True)
class PackAnswer:
    """The pack that ``git pack-objects`` makes for a client that has nothing, put into packets."""

    child: GitChild
    sent_pack: bool = field(default=False)
    ended_well: bool = field(default=False)

    @property
    def was_clone(self) -> bool:
        """The same: whoever asks for this has nothing."""
        return self.sent_pack

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer; what goes wrong is said in it, as ``upload-pack`` says it."""
        self.sent_pack = True
        yield write_packet(_PACK_LINE)
        for _ in range(_MAX_KEEP_ALIVES):
            # git looks through the history in silence before it packs anything.
            if await self.child.has_output(within_s=_KEEP_ALIVE_S):
                break
            yield _KEEP_ALIVE
        async for chunk in self.child.chunks():
            yield write_band(_DATA, chunk)
        self.ended_well = await self.child.wait() == 0
        if self.ended_well:
            yield Mark.FLUSH.value
            return
        if complaint := self.complaint():
            # Which object is missing, for one.
            yield write_band(_PROGRESS, f"{complaint}\n".encode())
        yield write_band(_ERROR, _ABORTED)

    def complaint(self) -> str:
        """Return the last lines of git's standard error."""
        return self.child.complaint()
