"""Attempts to sign in are let through slowly, and nobody is locked out for long."""

from __future__ import annotations

import pytest

from wit_admin.web.problems import Problem
from wit_admin.web.throttle import (
    PER_ACCOUNT,
    PER_ACCOUNT_AND_ADDRESS,
    PER_ADDRESS,
    WINDOW_S,
    LoginThrottle,
)


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> LoginThrottle:
    return LoginThrottle(clock=clock)


def test_one_account_from_one_address_has_a_few_attempts(
    throttle: LoginThrottle, clock: Clock
) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        throttle.admit("alice", "192.0.2.1")

    with pytest.raises(Problem) as caught:
        throttle.admit("alice", "192.0.2.1")

    assert caught.value.status == 429
    assert caught.value.headers == ((b"retry-after", b"300"),)
    throttle.admit("alice", "192.0.2.2")
    throttle.admit("bob", "192.0.2.1")
    clock.now += WINDOW_S
    throttle.admit("alice", "192.0.2.1")


def test_one_address_cannot_try_many_accounts(throttle: LoginThrottle) -> None:
    for number in range(PER_ADDRESS):
        throttle.admit(f"user-{number}", "192.0.2.1")

    with pytest.raises(Problem):
        throttle.admit("one-more", "192.0.2.1")
    throttle.admit("one-more", "192.0.2.2")


def test_one_account_cannot_be_tried_from_many_addresses(throttle: LoginThrottle) -> None:
    for number in range(PER_ACCOUNT):
        throttle.admit("alice", f"2001:db8::{number:x}")

    with pytest.raises(Problem):
        throttle.admit("alice", "192.0.2.1")
    throttle.admit("bob", "192.0.2.1")


def test_success_takes_its_attempt_back(throttle: LoginThrottle) -> None:
    for _ in range(PER_ACCOUNT * 2):
        throttle.admit("alice", "192.0.2.1")
        throttle.take_back("alice", "192.0.2.1")

    throttle.admit("alice", "192.0.2.1")


def test_refused_attempt_does_not_lengthen_the_wait(throttle: LoginThrottle, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        throttle.admit("alice", "192.0.2.1")
    clock.now += WINDOW_S - 10
    for _ in range(50):
        with pytest.raises(Problem, match="in 10 seconds"):
            throttle.admit("alice", "192.0.2.1")

    clock.now += 10

    throttle.admit("alice", "192.0.2.1")
