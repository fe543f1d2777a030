"""How often a client may try to sign in. Kept in memory, by each worker process for itself."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock

from wit_admin.web.problems import Problem

WINDOW_S = 300.0
PER_ACCOUNT_AND_ADDRESS = 10
PER_ADDRESS = 100
PER_ACCOUNT = 300
"""High enough that a stranger cannot lock the owner out without many addresses."""
_KEYS_MOST = 20_000

_Key = tuple[str, str]


class LoginThrottle:
    """Lets a few attempts through in five minutes, per account, per address and per both.

    An attempt counts from its start, so that many at once cannot slip through, and is taken back
    when it succeeds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._attempts: OrderedDict[_Key, deque[float]] = OrderedDict()
        self._lock = Lock()

    def admit(self, account: str, address: str) -> None:
        """Count an attempt.

        Raises:
            Problem: 429, with the seconds to wait, when there were too many.
        """
        with self._lock:
            now = self._clock()
            counted = [(self._recent(key, now), most) for key, most in _limits(account, address)]
            waits = [times[0] + WINDOW_S - now for times, most in counted if len(times) >= most]
            if waits:
                raise _too_many(max(waits))
            for times, _ in counted:
                times.append(now)

    def take_back(self, account: str, address: str) -> None:
        """Forget an attempt that succeeded, and the account's failures from the same address."""
        with self._lock:
            both, *others = (key for key, _ in _limits(account, address))
            self._attempts.pop(both, None)
            for key in others:
                if times := self._attempts.get(key):
                    times.pop()

    def _recent(self, key: _Key, now: float) -> deque[float]:
        times = self._attempts.setdefault(key, deque())
        self._attempts.move_to_end(key)
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        while len(self._attempts) > _KEYS_MOST:
            self._attempts.popitem(last=False)
        return times


def _limits(account: str, address: str) -> list[tuple[_Key, int]]:
    return [
        ((account, address), PER_ACCOUNT_AND_ADDRESS),
        (("", address), PER_ADDRESS),
        ((account, ""), PER_ACCOUNT),
    ]


def _too_many(wait_s: float) -> Problem:
    seconds = max(1, round(wait_s))
    return Problem(
        429,
        f"There were too many attempts to sign in. Try again in {seconds} seconds.",
        headers=((b"retry-after", b"%d" % seconds),),
    )
