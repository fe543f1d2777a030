"""A transport that combines the writes of one turn of the event loop into one system call.

A response's head, body and end are written one by one. A system call for each costs more than most
responses do, and wakes up the client for a part.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wit_admin.web.connections import close_in_time

_MOST_BYTES = 16 * 1024
"""More is written at once: a system call costs little then, and the copy much."""


class CoalescingTransport(asyncio.Transport):
    """Passes on what was written in one turn of the event loop at the beginning of the next."""

    def __init__(self, inner: asyncio.Transport, patience_s: float) -> None:
        """Write to ``inner``; a client that takes nothing for ``patience_s`` is cut off."""
        super().__init__()
        self._inner = inner
        self._patience_s = patience_s
        self._held: list[bytes] = []
        self._size = 0
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send ``data`` soon."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(bytes(data))
        self._size += len(data)
        if self._size >= _MOST_BYTES:
            self._flush()

    def close(self) -> None:
        """Send what is left, then close."""
        self._flush()
        close_in_time(self._inner, self._patience_s)

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._held.clear()
        self._inner.abort()

    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        if name == "socket":
            # Whoever asks wants addresses, which the loop knows without seven system calls.
            return default
        known = self._inner.get_extra_info(name, default)
        # Of IPv6 addresses the loop gives four parts, where host and port are expected.
        return known[:2] if isinstance(known, tuple) else known

    def pause_reading(self) -> None:
        """Take no more input for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Take input again."""
        self._inner.resume_reading()

    def _flush(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if held and not self._inner.is_closing():
            self._inner.write(held[0] if len(held) == 1 else b"".join(held))
