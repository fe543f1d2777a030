"""A transport that combines the writes of one turn of the event loop into one system call.

A response's head, body and end are written one by one. A system call for each would cost more than
most responses do, and would wake the client before the response is complete.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wit_admin.web.connections import close_in_time

_MAX_HELD_BYTES = 16 * 1024
"""More than this is written at once: then copying costs more than a system call."""


class CoalescingTransport(asyncio.Transport):
    """Collects writes, and passes them on at the beginning of the event loop's next turn."""

    def __init__(self, inner: asyncio.Transport, patience_s: float) -> None:
        """Write to ``inner``; cut a client off that reads nothing for ``patience_s`` seconds."""
        super().__init__()
        self._inner = inner
        self._patience_s = patience_s
        self._held: list[bytes] = []
        self._size = 0
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data`` in the next turn of the event loop, or at once if much is waiting."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size >= _MAX_HELD_BYTES:
            self._flush()

    def close(self) -> None:
        """Send the collected data, then close."""
        self._flush()
        close_in_time(self._inner, self._patience_s)

    def abort(self) -> None:
        """Close at once; data that was not sent is lost."""
        self._held.clear()
        self._inner.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed, or about to be."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information on the connection, such as its addresses."""
        if name == "socket":
            # uvicorn asks for it to get addresses; the loop has these without seven system calls.
            return default
        known = self._inner.get_extra_info(name, default)
        # The loop's IPv6 addresses have four parts; callers expect host and port.
        return known[:2] if isinstance(known, tuple) else known

    def pause_reading(self) -> None:
        """Stop reading for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._inner.resume_reading()

    def _flush(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if held and not self._inner.is_closing():
            self._inner.write(held[0] if len(held) == 1 else b"".join(held))
