"""A database that is gone is tried by one caller at a time, and not for each request."""

from __future__ import annotations

import pytest

from tests.support.processes import wait_until
from wit_admin.db.breaker import Breaker
from wit_admin.errors import UnavailableError


def lets_through(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except UnavailableError:
        return False
    return True


def test_after_a_failure_callers_fail_at_once_until_one_may_try() -> None:
    breaker = Breaker()
    assert lets_through(breaker)

    breaker.trip()

    with pytest.raises(UnavailableError, match="a moment ago"):
        breaker.check()
    wait_until(lambda: lets_through(breaker))
    assert not lets_through(breaker)


def test_success_lets_all_through() -> None:
    breaker = Breaker()
    breaker.trip()

    breaker.mend()

    assert all(lets_through(breaker) for _ in range(3))
