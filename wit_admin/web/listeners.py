"""Listening sockets (a port, a unix socket or an inherited one), and TLS."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wit_admin.errors import ConfigError, UnavailableError
from wit_admin.settings import Settings

_BACKLOG = 1024
_UNIX_UMASK = 0o117


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Bind before any worker starts; a unix socket is removed at the end.

    Raises:
        UnavailableError: Another process listens there, or the address is not this machine's.
        ConfigError: The inherited descriptor, or what is at the path, is not a socket.
    """
    if settings.fd is not None:
        listener = _adopt(settings.fd)
    elif settings.unix_socket is not None:
        listener = _bind_unix(settings.unix_socket)
    else:
        listener = _bind_port(settings.host, settings.port)
    try:
        with contextlib.closing(listener):
            yield listener
    finally:
        if settings.fd is None and settings.unix_socket is not None:
            settings.unix_socket.unlink(missing_ok=True)


def shown_url(listener: socket.socket, *, is_tls: bool) -> str:
    """Return the URL under which a listener is reached, or the path of its unix socket."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{shown}:{port}/"


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine can reach it without a proxy's help."""
    if listener.family == socket.AF_UNIX:
        return False
    host = str(listener.getsockname()[0])
    return host.startswith("127.") or host == "::1"


class Tls:
    """A server's TLS context, which can read its files anew for new connections."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        self.load()

    def load(self) -> None:
        """Read certificate and key.

        Raises:
            ConfigError: They cannot be read, or do not belong together.
        """
        certificate, key = self._files
        try:
            # A key under a passphrase would ask for it on the terminal.
            self.context.load_cert_chain(certificate, key, password=lambda: "")
        except (OSError, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(
                f"The TLS certificate {certificate} and its key cannot be used: {reason}.",
                hint="Both must be PEM files, the key without a passphrase.",
            ) from error


def tls_of(settings: Settings) -> Tls | None:
    """Return the TLS that the settings ask for.

    Raises:
        ConfigError: The files cannot be used, or there is a key without a certificate.
    """
    if settings.tls_cert is None:
        if settings.tls_key is not None:
            raise ConfigError("A TLS key needs its certificate.", hint="Add --tls-cert.")
        return None
    return Tls(settings.tls_cert, settings.tls_key)


def _bind_port(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"Cannot listen on {host} port {port}: {error.strerror}.",
            hint="Choose another with --port.",
        ) from error
    return listener


def _bind_unix(path: Path) -> socket.socket:
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Set before the file is made: at no moment may others connect.
    before = os.umask(_UNIX_UMASK)
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise UnavailableError(f"Cannot listen on {path}: {reason}.") from error
    finally:
        os.umask(before)
    return listener


def _clear(path: Path) -> None:
    """Remove the socket of a server that has ended."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} exists already and is not a socket.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise UnavailableError(f"Cannot listen on {path}: {error.strerror}.") from error
    raise UnavailableError(f"Another server listens on {path}.", hint="Stop it first.")


def _adopt(descriptor: int) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        listener.listen(_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"Descriptor {descriptor} is not a listening socket.", hint="systemd's first one is 3."
        ) from error
    listener.set_inheritable(False)
    return listener
