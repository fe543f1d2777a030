"""Parsers of setting values, and types that hide secrets.

Every function raises :class:`ValueError` with the end of a sentence, such as "must be a whole
number"; it never holds the text, which may be a secret.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_UNITS_S = {"s": 1, "h": 3600, "d": 86400, "w": 7 * 86400}
_LONGEST_S = 200 * 365 * 86400
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_MAX_PORT = 65535

UNIX_PEER: Literal["unix"] = "unix"
"""Whoever may connect to the unix socket."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network | Literal["unix"]


class Secret:
    """A value that prints as stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


_URL = re.compile(
    r"(?P<scheme>[a-z0-9+]+)://"
    # A password may hold '@' and '/'; the longest one that can be meant is hidden.
    r"(?:(?P<user>[^:@/]*)(?P<password>:.*)?@)?"
    r"(?P<place>(?:\[[0-9a-fA-F:.]*\]|[^:@/?]*)(?::[0-9]+)?(?:/[^?]*)?)(?P<query>\?.*)?"
)


class SecretUrl(Secret):
    """A URL that prints with stars for its password and for the values of its query."""

    __slots__ = ()

    def __str__(self) -> str:
        found = _URL.fullmatch(self.reveal())
        if found is None:
            return super().__str__()
        user = "" if found["user"] is None else found["user"]
        password = ":***" if found["password"] else ""
        at = "" if found["user"] is None else "@"
        query = re.sub(r"=[^&]*", "=***", found["query"] or "")
        return f"{found['scheme']}://{user}{password}{at}{found['place']}{query}"


def parse_flag(text: str) -> bool:
    """Read ``true``, ``yes``, ``on`` or ``1``, or their opposites, in any case."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def parse_size(text: str) -> int:
    """Read a number of bytes; ``k``, ``m`` and ``g`` count by 1024."""
    found = re.fullmatch(r"([0-9]{1,18})\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise ValueError("must be a size such as 512m or 2g")
    return int(found[1]) * _SIZES[found[2]]


def parse_number(text: str) -> int:
    """Read a whole number from 0 up, of at most 18 digits."""
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
        raise ValueError("must be a whole number")
    return int(text)


def parse_count(text: str) -> int:
    """Read a whole number from 1 up."""
    if (count := parse_number(text)) == 0:
        raise ValueError("must be at least 1")
    return count


def parse_port(text: str) -> int:
    """Read the number of a TCP port; 0 is one."""
    port = parse_number(text)
    if port > _MAX_PORT:
        raise ValueError("must be at most 65535")
    return port


def parse_seconds(text: str) -> float:
    """Read a number of seconds, which may have a fraction."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ValueError("must be a number of seconds above 0")
    return seconds


def parse_lifetime(text: str) -> timedelta:
    """Read a lifetime such as ``12h``, ``90d`` or ``4w``; seconds (``s``) too.

    Raises:
        ValueError: It is not a lifetime, or longer than 200 years.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,9})([shdw])", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("must be a lifetime such as 12h, 90d or 4w")
    return timedelta(seconds=seconds)


def parse_path(text: str) -> Path:
    """Read a path, and make it absolute; ``~`` is a home folder."""
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("names the home of a user who does not exist") from None


def parse_paths(text: str) -> tuple[Path, ...]:
    """Read paths with the separator of ``$PATH`` between; empty ones are left out."""
    return tuple(parse_path(part) for part in text.split(os.pathsep) if part)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks with commas between; ``unix`` is the socket's peer."""
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> Network:
    if text == UNIX_PEER:
        return UNIX_PEER
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("must be addresses or networks, separated by commas") from None


def parse_some_of(*words: str) -> Callable[[str], tuple[str, ...]]:
    """Return a function that takes some of these words, with commas between."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = {part.strip() for part in text.split(",")} - {""}
        if not chosen or not chosen <= set(words):
            raise ValueError(f"must be some of {', '.join(words)}, separated by commas")
        return tuple(word for word in words if word in chosen)

    return parse


def parse_one_of(*words: str) -> Callable[[str], str]:
    """Return a function that takes these words and no other."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse
