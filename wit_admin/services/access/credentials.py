"""Bearer secrets and passwords: generated, hashed and checked."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from wit_admin.services.access.attempts import UNKNOWN, Attempt, Attempts

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOKEN_PREFIX = "wit_"  # noqa: S105  the public part that tells what kind of secret follows
SESSION_PREFIX = "wits_"
_SECRET_BYTES = 30
_SECRET = re.compile(rf"(?:{TOKEN_PREFIX}|{SESSION_PREFIX})[A-Za-z0-9_-]{{40}}")
_PASSWORD_BYTES = 15
MAX_PASSWORD_BYTES = 1024
_REMEMBER_S = 300.0
_MAX_REMEMBERED = 4096
_CHECKS_AT_ONCE = 4
"""The most checks at the same time: each takes 64 MiB, and anybody can cause one."""
_TURNS = 64


def new_secret(prefix: str) -> str:
    """Return a new bearer secret: ``prefix`` and 240 random bits."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def is_bearer_secret(text: str) -> bool:
    """Return whether a text has the form of :func:`new_secret`, which no password has."""
    return _SECRET.fullmatch(text) is not None


def new_password() -> str:
    """Return a new password of 120 random bits that can be typed and pasted anywhere."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def digest_secret(secret: str) -> bytes:
    """Return the SHA-256 of a bearer secret, which is stored; a random secret needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with the library's present parameters."""
    return _hasher().hash(password)


class PasswordChecker:
    """Checks passwords, and runs argon2 only once for the requests of one clone.

    It remembers a success for five minutes as a keyed digest over the stored hash and the
    password. A changed password has another hash, so it is never accepted from memory.
    """

    def __init__(self, attempts: Attempts | None = None) -> None:
        self._attempts = attempts
        self._key = secrets.token_bytes(32)
        self._good: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()
        self._places = BoundedSemaphore(_CHECKS_AT_ONCE)
        self._turns = tuple(Lock() for _ in range(_TURNS))

    def check(self, password_hash: str | None, password: str, attempt: Attempt = UNKNOWN) -> bool:
        """Return whether ``password`` is right; without a hash it takes as long as a wrong one.

        Raises:
            TooManyAttemptsError: Too many were wrong, so this one was not checked.
        """
        if len(password.encode("utf-8", "surrogateescape")) > MAX_PASSWORD_BYTES:
            return False
        stored = password_hash or _decoy_hash()
        mark = hmac.digest(
            self._key, f"{stored}\0{password}".encode("utf-8", "surrogateescape"), "sha256"
        )
        if self._remembers(mark):
            return True
        if self._attempts:
            # A client over the limit is refused before it waits for a turn.
            self._attempts.check(attempt)
        # Of requests with the same password at the same time, as clones send them, only one is
        # checked and counted as an attempt.
        with self._turns[mark[0] % _TURNS], self._places:
            if self._remembers(mark):
                return True
            if self._attempts:
                self._attempts.count(attempt)
            if not _verify(stored, password) or password_hash is None:
                return False
            if self._attempts:
                self._attempts.take_back(attempt)
            self._remember(mark)
        return True

    def _remembers(self, mark: bytes) -> bool:
        with self._lock:
            until = self._good.get(mark)
            return until is not None and until > time.monotonic()

    def _remember(self, mark: bytes) -> None:
        with self._lock:
            self._good[mark] = time.monotonic() + _REMEMBER_S
            self._good.move_to_end(mark)
            while len(self._good) > _MAX_REMEMBERED:
                self._good.popitem(last=False)


def _verify(stored: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415  30 ms

    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415  30 ms, and only where passwords are used

    return PasswordHasher()


_decoy: list[str] = []


def _decoy_hash() -> str:
    """Return the hash of an unknown password, computed once per process."""
    if not _decoy:
        _decoy.append(hash_password(secrets.token_urlsafe()))
    return _decoy[0]
