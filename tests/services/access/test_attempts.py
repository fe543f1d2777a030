"""Attempts to sign in are let through slowly, and nobody is locked out for long."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wit_admin.errors import TooManyAttemptsError
from wit_admin.services.access.attempts import (
    PER_ACCOUNT,
    PER_ACCOUNT_AND_ADDRESS,
    PER_ADDRESS,
    WINDOW_S,
    Attempt,
    Attempts,
    open_attempts,
)

ALICE = Attempt("alice", "192.0.2.1")


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(tmp_path: Path, clock: Clock) -> Iterator[Attempts]:
    with open_attempts(tmp_path / "run/attempts", clock=clock) as attempts:
        yield attempts


def is_admitted(attempts: Attempts, attempt: Attempt) -> bool:
    try:
        attempts.count(attempt)
    except TooManyAttemptsError:
        return False
    return True


def test_one_account_from_one_address_has_a_few_attempts(attempts: Attempts) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        attempts.count(ALICE)

    with pytest.raises(TooManyAttemptsError) as caught:
        attempts.check(Attempt("Alice", "192.0.2.1"))

    assert caught.value.wait_s == WINDOW_S / PER_ACCOUNT_AND_ADDRESS
    attempts.count(Attempt("alice", "192.0.2.2"))
    attempts.count(Attempt("bob", "192.0.2.1"))


def test_attempts_are_earned_back_one_by_one_and_never_more_than_all(
    attempts: Attempts, clock: Clock
) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        attempts.count(ALICE)

    clock.now += WINDOW_S / PER_ACCOUNT_AND_ADDRESS
    after_one = [is_admitted(attempts, ALICE) for _ in range(2)]
    clock.now += 10 * WINDOW_S
    after_all = [is_admitted(attempts, ALICE) for _ in range(PER_ACCOUNT_AND_ADDRESS + 1)]

    assert after_one == [True, False]
    assert after_all == [True] * PER_ACCOUNT_AND_ADDRESS + [False]


def test_one_address_cannot_try_many_accounts(attempts: Attempts) -> None:
    for number in range(PER_ADDRESS):
        attempts.count(Attempt(f"user-{number}", "192.0.2.1"))

    assert not is_admitted(attempts, Attempt("one-more", "192.0.2.1"))
    assert is_admitted(attempts, Attempt("one-more", "192.0.2.2"))


def test_one_account_cannot_be_tried_from_many_addresses(attempts: Attempts) -> None:
    for number in range(PER_ACCOUNT):
        attempts.count(Attempt("alice", f"2001:db8:0:{number:x}::1"))

    assert not is_admitted(attempts, ALICE)
    assert is_admitted(attempts, Attempt("bob", "192.0.2.1"))


def test_addresses_of_one_ipv6_network_are_one_and_those_of_ipv4_are_not(
    attempts: Attempts,
) -> None:
    many = [f"2001:db8::{number:x}" for number in range(PER_ACCOUNT_AND_ADDRESS + 1)]
    mapped = [f"::ffff:192.0.2.{number}" for number in range(PER_ACCOUNT_AND_ADDRESS + 1)]

    of_ipv6 = [is_admitted(attempts, Attempt("alice", address)) for address in many]
    of_ipv4 = [is_admitted(attempts, Attempt("alice", address)) for address in mapped]

    assert of_ipv6 == [True] * PER_ACCOUNT_AND_ADDRESS + [False]
    assert all(of_ipv4)


def test_success_takes_its_attempt_back(attempts: Attempts) -> None:
    for _ in range(PER_ACCOUNT * 2):
        attempts.count(ALICE)
        attempts.take_back(ALICE)

    attempts.count(ALICE)


def test_refused_attempt_does_not_lengthen_the_wait(attempts: Attempts, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        attempts.count(ALICE)
    clock.now += 20
    for _ in range(50):
        with pytest.raises(TooManyAttemptsError, match="too many") as caught:
            attempts.count(ALICE)
        assert caught.value.wait_s == 10

    clock.now += 10

    attempts.count(ALICE)


def test_clock_that_begins_anew_locks_nobody_out(attempts: Attempts, clock: Clock) -> None:
    for _ in range(PER_ACCOUNT_AND_ADDRESS):
        attempts.count(ALICE)

    clock.now = 1.0

    assert is_admitted(attempts, ALICE)


def test_processes_and_threads_count_together(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from wit_admin.services.access.attempts import Attempt, open_attempts\n"
        "with open_attempts(pathlib.Path(sys.argv[1])) as attempts:\n"
        "    for _ in range(5):\n"
        "        attempts.count(Attempt('alice', '192.0.2.1'))\n"
    )
    file = tmp_path / "attempts"

    with open_attempts(file) as attempts, ThreadPoolExecutor(8) as pool:
        subprocess.run([sys.executable, "-c", script, str(file)], check=True)
        admitted = list(pool.map(lambda _: is_admitted(attempts, ALICE), range(32)))

    assert admitted.count(True) == PER_ACCOUNT_AND_ADDRESS - 5
