"""The source of an import: a path or URL, parsed strictly and kept without secrets.

Source: git-clone(1), GIT URLS; gitremote-helpers(7) for ``transport::address``, which is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wit_admin.errors import InvalidInputError

PORTS = {"http": 80, "https": 443, "git": 9418, "ssh": 22}
"""The schemes of URLs that can be fetched from, with their default ports."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP = re.compile(r"(?:([^@/:]+)@)?(\[[^\]/]+\]|[^@/:\[\]]+):(.+)")
# Nothing that curl or ssh would rewrite before it asks for the address: no dot at the end, no
# letters beyond ASCII, no zone of an IPv6 address.
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Source:
    """A place that git can fetch from."""

    scheme: str
    """``file``, ``http``, ``https``, ``git`` or ``ssh``."""
    path: str
    """The path after the host, with its slash; for ``file`` the path on disk."""
    host: str = ""
    port: int | None = None
    user: str | None = None
    """Only for ``ssh``."""

    @property
    def is_remote(self) -> bool:
        """Whether it is reached over the network."""
        return self.scheme != "file"

    def url(self, *, host: str | None = None) -> str:
        """Return the URL that git gets, with another ``host`` if given. It contains no secret."""
        if not self.is_remote:
            return self.path
        name = host or self.host
        name = f"[{name}]" if ":" in name else name
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{name}{port}{self.path}"

    def __str__(self) -> str:
        return self.url()


def parse_source(text: str) -> Source:
    """Read a path or URL; a relative path becomes absolute.

    Raises:
        InvalidInputError: It is neither, holds credentials, or would have git run a program.
    """
    if not text or not text.isprintable() or text.startswith("-") or _HELPER.match(text):
        raise _unusable("It is neither a path nor a URL that can be imported from.")
    found = _SCHEME.fullmatch(text)
    if found and found[1].lower() != "file":
        return _parse_url(text)
    scp = None if found else _SCP.fullmatch(text)
    if scp and not Path(text).exists():
        user, host, path = scp.groups()
        # As ssh does, a path without a slash begins in the home folder.
        return _checked(
            "ssh", user, host.strip("[]"), None, path if path[0] == "/" else f"/~/{path}"
        )
    path = found[2] if found else text
    if not path.startswith("/") and found:
        raise _unusable("A file URL has three slashes.")
    return Source("file", str(Path(path).absolute()))


def _parse_url(text: str) -> Source:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _unusable("It is not a URL.") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise _unusable(f"The URL scheme {scheme} is not supported.")
    if parts.password is not None or (parts.username is not None and scheme != "ssh"):
        raise InvalidInputError(
            "The URL holds credentials, which others could see.",
            hint="Put user:password in a file and name it with --credentials-file.",
        )
    if "?" in text or "#" in text or "\\" in text:
        raise _unusable("The URL may hold none of ?, # and \\.")
    return _checked(scheme, parts.username, parts.hostname or "", port, parts.path)


def _checked(scheme: str, user: str | None, host: str, port: int | None, path: str) -> Source:
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise _unusable("Its host is not a plain name or address.")
    if user is not None and not _USER.fullmatch(user):
        raise _unusable("Its user is not a plain name.")
    if len(path) < 2:  # noqa: PLR2004  a slash and something
        raise _unusable("It names no repository.")
    return Source(scheme, path, host, port, user)


def _unusable(sentence: str) -> InvalidInputError:
    return InvalidInputError(sentence, hint="Give a path, or a URL of http, https, git or ssh.")
