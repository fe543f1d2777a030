"""Run the application under uvicorn until a signal ends it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from wit_admin.errors import UnavailableError
from wit_admin.forge import Forge
from wit_admin.settings import Settings
from wit_admin.web.app import create_app


def listen(settings: Settings) -> socket.socket:
    """Bind the address; port 0 takes a free one.

    Raises:
        UnavailableError: Somebody else listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}.",
            hint="Choose another with --port.",
        ) from error
    return listener


def run(forge: Forge, listener: socket.socket, *, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; running requests get ``drain_timeout_s`` to end."""
    settings = forge.settings
    config = uvicorn.Config(
        create_app(forge),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=max(1, int(settings.drain_timeout_s)),
    )
    server = uvicorn.Server(config)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    on_ready(f"http://{shown}:{port}/")
    server.run(sockets=[listener])
