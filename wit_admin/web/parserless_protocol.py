"""The first protocol of every connection: it answers known requests without a parser.

Data that equals, byte for byte, a request that was parsed before needs no parser, nor the other
objects of a uvicorn connection, whose creation costs more than the response. When any other data
arrives, the connection switches to the protocol with a parser, and stays with it.
:mod:`wit_admin.web` describes the parts after this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from uvicorn.server import ServerState

from wit_admin.web.cached_responses import LookupCache
from wit_admin.web.connections import Connections, close_in_time
from wit_admin.web.strict_protocol import refusal


@dataclass(frozen=True, slots=True)
class ConnectionContext:
    """What the connections of a process share."""

    lookups: LookupCache
    connections: Connections
    state: ServerState
    create_parsing_protocol: Callable[[], asyncio.Protocol]
    first_request_timeout_s: float
    keep_alive_s: float
    """How long a connection may be idle after a response."""
    idle_timeout_s: float
    """How long a client may leave data unread that was sent to it."""


class ParserlessProtocol(asyncio.Protocol):
    """One connection that has sent only known requests so far."""

    __slots__ = ("_context", "_idle_until", "_is_paused", "_loop", "_timer", "_transport")

    def __init__(self, context: ConnectionContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle
        self._idle_until = 0.0
        self._is_paused = False

    @property
    def is_idle(self) -> bool:
        """Always true: a request is answered at once, or the connection switches protocols."""
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport, and start the timer for idle connections."""
        context = self._context
        self._transport = transport
        self._idle_until = self._loop.time() + context.first_request_timeout_s
        self._check_again_in(min(context.first_request_timeout_s, context.keep_alive_s))
        context.connections.add(self)
        if not context.connections.make_room_for(self):
            transport.write(refusal(503, "The server has no room for more connections."))
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer from the caches, or switch to the protocol that has a parser."""
        context, transport = self._context, self._transport
        if transport.is_closing():
            return
        lookup = None if self._is_paused else context.lookups.get(data)
        response = lookup.find_response() if lookup is not None else None
        if response is None:
            self._switch_protocol(data)
            return
        transport.write(response.render(context.state.default_headers))
        self._idle_until = self._loop.time() + context.keep_alive_s

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer, and no longer count the connection."""
        self._let_go()

    def pause_writing(self) -> None:
        """Answer nothing more for now: the client does not read its responses."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """Answer again: the client reads its responses."""
        self._is_paused = False

    def shutdown(self) -> None:
        """Close the connection; no response is under way."""
        close_in_time(self._transport, self._context.idle_timeout_s)

    def drop(self) -> None:
        """Close the connection at once; data that was not sent is lost."""
        self._transport.abort()

    def break_off(self) -> None:
        """Do nothing: it is never amid an answer."""

    def _switch_protocol(self, data: bytes) -> None:
        self._let_go()
        protocol = self._context.create_parsing_protocol()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._is_paused:
            protocol.pause_writing()
        protocol.data_received(data)

    def _let_go(self) -> None:
        self._timer.cancel()
        self._context.connections.discard(self)

    def _check_again_in(self, delay_s: float) -> None:
        # One timer for all requests: moving it at each request costs more than checking often.
        self._timer = self._loop.call_later(delay_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        left_s = self._idle_until - self._loop.time()
        if left_s > 0:
            self._check_again_in(left_s)
        else:
            self.shutdown()
