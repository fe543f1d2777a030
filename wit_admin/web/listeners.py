"""Sockets to listen on, bound before any worker starts."""

from __future__ import annotations

import socket

from wit_admin.errors import UnavailableError
from wit_admin.settings import Settings


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


def shown_url(listener: socket.socket) -> str:
    """Return the URL under which a listener is reached."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
