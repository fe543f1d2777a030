"""A connection for as long as all that comes is known by its bytes, and so is the answer.

Then no parser is needed, nor anything else that a connection of uvicorn's is made of, and to make
that costs more than the answer. With the first bytes that are not known the connection becomes one
of uvicorn's, and stays one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.server import ServerState

from wit_admin.web.connections import Connections, close_in_time
from wit_admin.web.protocol import refusal
from wit_admin.web.questions import Questions


@dataclass(frozen=True, slots=True)
class FastPath:
    """What the connections of a process share."""

    questions: Questions
    connections: Connections
    state: ServerState
    make_protocol: Callable[[], asyncio.Protocol]
    """Makes the protocol that has a parser."""
    first_request_timeout_s: float
    keep_alive_s: float
    """How long it may be idle after an answer."""
    idle_timeout_s: float
    """How long a client may take nothing of what is there for it."""


class FastPathProtocol(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_idle_until", "_is_paused", "_loop", "_path", "_timer", "_transport")

    def __init__(self, path: FastPath, loop: asyncio.AbstractEventLoop) -> None:
        self._path = path
        self._loop = loop
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle
        self._idle_until = 0.0
        self._is_paused = False

    @property
    def is_idle(self) -> bool:
        """Whatever is asked is answered at once."""
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a request."""
        path = self._path
        self._transport = transport
        self._idle_until = self._loop.time() + path.first_request_timeout_s
        self._look_again_in(min(path.first_request_timeout_s, path.keep_alive_s))
        path.connections.add(self)
        if not path.connections.make_room_for(self):
            transport.write(refusal(503, "The server has no room for more connections."))
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer, or leave the connection to who can read what came."""
        path, transport = self._path, self._transport
        if transport.is_closing():
            return
        question = None if self._is_paused else path.questions.get(data)
        reply = question.answer() if question is not None else None
        if reply is None:
            self._hand_over(data)
            return
        transport.write(reply.render(path.state.default_headers))
        self._idle_until = self._loop.time() + path.keep_alive_s

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        self._let_go()

    def pause_writing(self) -> None:
        """Answer nothing more here: the client does not take what it asked for."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_paused = False

    def shutdown(self) -> None:
        """Close it; there is no answer to wait for."""
        close_in_time(self._transport, self._path.idle_timeout_s)

    def drop(self) -> None:
        """Close it at once, whatever the client has not taken yet."""
        self._transport.abort()

    def _hand_over(self, data: bytes) -> None:
        self._let_go()
        protocol = self._path.make_protocol()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._is_paused:
            protocol.pause_writing()
        protocol.data_received(data)

    def _let_go(self) -> None:
        self._timer.cancel()
        self._path.connections.discard(self)

    def _look_again_in(self, delay_s: float) -> None:
        # One timer for all of its requests: to move it at each costs more than to look too often.
        self._timer = self._loop.call_later(delay_s, self._look)

    def _look(self) -> None:
        left_s = self._idle_until - self._loop.time()
        if left_s > 0:
            self._look_again_in(left_s)
        else:
            self.shutdown()
