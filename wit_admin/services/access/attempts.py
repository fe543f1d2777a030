"""Rate limits on password attempts, counted in a file that all processes of one home share.

The generic cell rate algorithm (a leaky bucket as a meter): each counter is one timestamp, at which
its allowance will be full again. An attempt moves it forward by the time in which one attempt is
earned back, and is refused if that would be more than a window ahead.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import TooManyAttemptsError
from wit_admin.git.files.locks import locked
from wit_admin.names import name_key

WINDOW_S = 300.0
PER_ACCOUNT_AND_ADDRESS = 10
PER_ADDRESS = 100
PER_ACCOUNT = 300
"""High enough that a stranger cannot lock the owner out without many addresses."""

_MOMENT = struct.Struct("<d")
_KEY_BYTES = 32
_SLOTS = 65536
"""Keys that share a slot are counted together; the secret key hides which ones do."""
_FILE_BYTES = _KEY_BYTES + _SLOTS * _MOMENT.size
_ROUNDING_S = 0.001
_IPV6_NETWORK_BITS = 64
"""One IPv6 client has at least this whole network."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who is said to sign in, and from where; ``address`` is ``None`` on a unix socket."""

    account: str
    address: str | None


UNKNOWN = Attempt("", None)


@dataclass(frozen=True, slots=True)
class _Count:
    offset: int
    earned_back_s: float


class Attempts:
    """Limits attempts within five minutes: per account, per address, and per pair of both."""

    def __init__(
        self, descriptor: int, key: bytes, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._descriptor = descriptor
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()

    def check(self, attempt: Attempt) -> None:
        """Check that one more attempt may be made now.

        Raises:
            TooManyAttemptsError: There were too many attempts.
        """
        with self._alone():
            self._spend(attempt)

    def count(self, attempt: Attempt) -> None:
        """Count one that begins, so that many at once cannot slip through.

        Raises:
            TooManyAttemptsError: There were too many attempts. This one is not counted.
        """
        with self._alone():
            for count, moment in self._spend(attempt):
                self._write(count, moment)

    def take_back(self, attempt: Attempt) -> None:
        """Forget one that succeeded, and the account's failures from the same address."""
        both, *others = self._counts(attempt)
        with self._alone():
            self._write(both, 0.0)
            for count in others:
                self._write(count, self._read(count) - count.earned_back_s)

    def _spend(self, attempt: Attempt) -> list[tuple[_Count, float]]:
        now = self._clock()
        moved = []
        for count in self._counts(attempt):
            moment = self._read(count)
            # Further ahead than it can be: the machine was started anew since.
            spent_s = moment - now if now < moment <= now + WINDOW_S + _ROUNDING_S else 0.0
            moved.append((count, now + spent_s + count.earned_back_s))
        wait_s = max(moment for _, moment in moved) - now - WINDOW_S
        if wait_s > _ROUNDING_S:
            raise TooManyAttemptsError(wait_s=max(1, round(wait_s)))
        return moved

    def _counts(self, attempt: Attempt) -> list[_Count]:
        account, address = name_key(attempt.account), _network(attempt.address)
        return [
            self._count_of(PER_ACCOUNT_AND_ADDRESS, account, address),
            self._count_of(PER_ADDRESS, "", address),
            self._count_of(PER_ACCOUNT, account, ""),
        ]

    def _count_of(self, most: int, account: str, address: str) -> _Count:
        text = f"{most}\0{account}\0{address}".encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(text, key=self._key, digest_size=8).digest()
        slot = int.from_bytes(digest, "little") % _SLOTS
        return _Count(_KEY_BYTES + slot * _MOMENT.size, WINDOW_S / most)

    def _read(self, count: _Count) -> float:
        (moment,) = _MOMENT.unpack(os.pread(self._descriptor, _MOMENT.size, count.offset))
        return float(moment)

    def _write(self, count: _Count, moment: float) -> None:
        os.pwrite(self._descriptor, _MOMENT.pack(moment), count.offset)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # The file's lock keeps other processes out, not the threads of this one.
        with self._lock, locked(self._descriptor):
            yield


@contextmanager
def open_attempts(path: Path, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Attempts]:
    """Open the counts in ``path``, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        with locked(descriptor):
            key = os.pread(descriptor, _KEY_BYTES, 0)
            if os.fstat(descriptor).st_size != _FILE_BYTES:
                key = secrets.token_bytes(_KEY_BYTES)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, key, 0)
                # Its room on disk is taken now, so that no count fails on a full one later.
                os.posix_fallocate(descriptor, 0, _FILE_BYTES)
        yield Attempts(descriptor, key, clock=clock)
    finally:
        os.close(descriptor)


def _network(address: str | None) -> str:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped is not None:
        return str(found)
    return str(ipaddress.IPv6Network((int(found), _IPV6_NETWORK_BITS), strict=False))
