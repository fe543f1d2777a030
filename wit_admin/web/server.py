"""One serving process: accepts connections, runs background tasks, drains on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial

import uvicorn
import uvloop
from uvicorn.server import ServerState

from wit_admin.errors import ConfigError
from wit_admin.forge import Forge
from wit_admin.git.children.child import GitChild
from wit_admin.log import fields
from wit_admin.settings import Settings
from wit_admin.web.app import create_app
from wit_admin.web.background import keep_changes_indexed, keep_journal_settled
from wit_admin.web.cached_responses import LookupCache, ReadLookup
from wit_admin.web.caching_protocol import CachingProtocol
from wit_admin.web.connections import Connections
from wit_admin.web.git_lookup import GitLookups
from wit_admin.web.listeners import Tls
from wit_admin.web.metrics import SharedMetrics, WorkerMetrics
from wit_admin.web.parserless_protocol import ConnectionContext, ParserlessProtocol
from wit_admin.web.strict_protocol import HeadLimits
from wit_admin.web.workers import WorkerContext

log = logging.getLogger(__name__)

_BACKLOG = 1024
_LOOK_AGAIN_S = 0.02
_MANY_FILES = 65536
_OWN_FILES = 128
_FILES_OF_A_CHILD = 4
_LAST_WORDS_S = 5.0
"""How long requests that are cut off have to end their git children."""


@dataclass(frozen=True, slots=True)
class SharedState:
    """What the serving processes share; created once, before any of them starts."""

    listener: socket.socket
    tls: Tls | None
    metrics: SharedMetrics
    ends_on_hangup: bool = False
    """SIGHUP means that the terminal was closed, not that the certificate has to be reloaded."""


def run(
    forge: Forge,
    shared: SharedState,
    context: WorkerContext,
    *,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal comes, or the parent ends.

    SIGTERM drains the connections. SIGQUIT from a parent, or a second SIGTERM or SIGINT without a
    parent, ends at once. SIGHUP reloads the TLS certificate.
    """
    _allow_many_files()
    server = Server(forge, shared, context)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(on_ready))


def _allow_many_files() -> None:
    """Raise the limit of open files as far as the system allows, for many idle connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _create_context(forge: Forge, metrics: WorkerMetrics, state: ServerState) -> ConnectionContext:
    """Create the parts that answer requests; :mod:`wit_admin.web` has a drawing of them."""
    settings = forge.settings
    lookups = LookupCache()
    connections = Connections(_room_for_connections(settings))
    state.connections = connections  # type: ignore[assignment]  # enough of a set
    protocol = _parsing_protocol(settings, GitLookups(forge, metrics).read, lookups)
    config = uvicorn.Config(
        create_app(forge, metrics),
        timeout_keep_alive=settings.keep_alive_s,  # type: ignore[arg-type]  # call_later's
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
    )
    config.load()
    return ConnectionContext(
        lookups,
        connections,
        state,
        partial(protocol, config, state, {}),
        settings.header_timeout_s,
        settings.keep_alive_s,
        settings.idle_timeout_s,
    )


def _parsing_protocol(
    settings: Settings, read: ReadLookup, shared_lookups: LookupCache
) -> type[CachingProtocol]:
    class Protocol(CachingProtocol):
        read_lookup = staticmethod(read)
        lookups = shared_lookups
        limits = HeadLimits(settings.header_timeout_s, settings.max_header_bytes)
        idle_timeout_s = settings.idle_timeout_s

    return Protocol


def _room_for_connections(settings: Settings) -> int:
    """Return the most connections that leave enough descriptors for git and the database."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    kept = _OWN_FILES + _FILES_OF_A_CHILD * settings.max_git_processes
    return files - min(kept, files // 2)


class Server:
    """Accepts connections; at the end lets requests finish, and then cuts off the rest."""

    def __init__(self, forge: Forge, shared: SharedState, context: WorkerContext) -> None:
        self._forge = forge
        self._shared = shared
        self._context = context
        self._settings = forge.settings
        self._metrics = shared.metrics.of_worker(context.slot)
        self._state = ServerState()
        self._connection_context = _create_context(forge, self._metrics, self._state)
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()

    async def serve(self, on_ready: Callable[[], None]) -> None:
        """Serve until :meth:`stop`; return when the last request has ended."""
        loop = asyncio.get_running_loop()
        self._watch_signals(loop)
        beside = [
            asyncio.create_task(self._keep_the_date()),
            asyncio.create_task(keep_journal_settled(self._forge.pushes)),
            asyncio.create_task(keep_changes_indexed(self._forge.pushes.index)),
        ]
        tls = self._shared.tls
        server = await loop.create_server(
            lambda: ParserlessProtocol(self._connection_context, loop),
            sock=self._shared.listener,
            backlog=_BACKLOG,
            ssl=tls.context if tls else None,
            ssl_handshake_timeout=self._settings.header_timeout_s if tls else None,
        )
        on_ready()
        await self._stopping.wait()
        server.close()
        self._shared.listener.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._drain()
        for task in beside:
            task.cancel()

    def stop(self, *, at_once: bool = False) -> None:
        """Accept nothing more; running requests may end, unless ``at_once``."""
        self._stopping.set()
        if at_once:
            self._at_once.set()

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGHUP, self._reload_certificate)
        if self._context.lifeline is None:
            if self._shared.ends_on_hangup:
                loop.add_signal_handler(signal.SIGHUP, self._stop_or_hurry)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop_or_hurry)
            return
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_signal_handler(signal.SIGQUIT, self._end_at_once)
        loop.add_reader(self._context.lifeline, self._end_at_once)

    def _stop_or_hurry(self) -> None:
        self.stop(at_once=self._stopping.is_set())

    def _end_at_once(self) -> None:
        self.stop(at_once=True)

    def _reload_certificate(self) -> None:
        if self._shared.tls is None:
            return
        try:
            self._shared.tls.load()
        except ConfigError as error:
            log.warning("The TLS certificate was not reloaded.", extra=fields(reason=error.message))
        else:
            log.info("The TLS certificate was reloaded.")

    async def _keep_the_date(self) -> None:
        while True:
            self._metrics.set_children(GitChild.running)
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            await asyncio.sleep(1 - time.time() % 1)

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout_s):
                # uvicorn's protocol has no callback for its end.
                while self._is_busy() and not self._at_once.is_set():  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_AGAIN_S)
        tasks = list(self._state.tasks)
        if tasks:
            log.warning(
                "Some requests did not end in time and are cut off.", extra=fields(count=len(tasks))
            )
            for connection in list(self._connection_context.connections):
                connection.break_off()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_LAST_WORDS_S)

    def _is_busy(self) -> bool:
        return bool(self._state.connections or self._state.tasks)
