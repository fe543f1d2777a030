"""A database that is gone is tried by one caller at a time, and not for each request."""

from __future__ import annotations

import pytest

from wit_admin.db import breaker as module
from wit_admin.db.breaker import Breaker
from wit_admin.errors import UnavailableError


class Clock:
    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def lets_through(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except UnavailableError:
        return False
    return True


def test_after_a_failure_callers_fail_at_once_until_one_may_try(clock: Clock) -> None:
    breaker = Breaker()
    assert lets_through(breaker)

    breaker.trip()

    with pytest.raises(UnavailableError, match="a moment ago"):
        breaker.check()
    clock.now_s += 0.9
    assert not lets_through(breaker)
    clock.now_s += 0.2
    assert lets_through(breaker)
    clock.now_s += 20
    assert not lets_through(breaker)


def test_success_lets_all_through() -> None:
    breaker = Breaker()
    breaker.trip()

    breaker.mend()

    assert all(lets_through(breaker) for _ in range(3))
