"""When a repository is looked at and synced, by a clock that the test turns by hand."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from wit_admin.services.watcher.schedule import LONGEST_RETRY_S, Schedule, retry_delay_s


@pytest.fixture
def schedule() -> Schedule[str]:
    return Schedule(hold_back_s=0.3)


def ready(schedule: Schedule[str]) -> list[str]:
    return [key for key, _ in schedule.take_syncs(100)]


def fail(schedule: Schedule[str], key: str, now: float) -> None:
    assert ready(schedule) == [key]
    schedule.finished(key, now, is_failure=True)


def test_one_head_is_synced_at_once(schedule: Schedule[str]) -> None:
    schedule.notice("a", 10.0)

    assert schedule.take_looks(10.0) == ["a"]
    schedule.looked("a", 1, is_news=True, now=10.0)

    assert ready(schedule) == ["a"]


def test_heads_that_were_synced_already_bring_it_to_rest(schedule: Schedule[str]) -> None:
    schedule.notice("a", 10.0)
    schedule.take_looks(10.0)

    schedule.looked("a", 1, is_news=False, now=10.0)

    assert schedule.is_at_rest("a")
    assert ready(schedule) == []


def looks_while_divergent(schedule: Schedule[str]) -> list[int]:
    """Return after how many milliseconds it is looked at while several heads stand."""
    schedule.notice("a", 0.0)
    looks = []
    while schedule.next_due is not None:
        now = schedule.next_due
        assert schedule.take_looks(now) == ["a"]
        looks.append(round(now * 1000))
        schedule.looked("a", 2, is_news=True, now=now)
    return looks


def test_several_heads_are_looked_at_again_for_a_while_and_then_synced(
    schedule: Schedule[str],
) -> None:
    assert looks_while_divergent(schedule) == [0, 1, 3, 7, 15, 31, 63, 127]
    assert ready(schedule) == ["a"]


@pytest.mark.parametrize(("hold_back_s", "looks"), [(0.02, [0, 1, 3, 7, 15, 20]), (0.0, [0])])
def test_burst_is_held_back_no_longer_than_allowed(hold_back_s: float, looks: list[int]) -> None:
    schedule = Schedule[str](hold_back_s)

    assert looks_while_divergent(schedule) == looks
    assert ready(schedule) == ["a"]


def test_divergence_that_ends_is_synced_when_it_does(schedule: Schedule[str]) -> None:
    schedule.notice("a", 0.0)
    schedule.take_looks(0.0)
    schedule.looked("a", 2, is_news=True, now=0.0)

    assert schedule.take_looks(0.0005) == []
    assert schedule.take_looks(0.001) == ["a"]
    schedule.looked("a", 1, is_news=True, now=0.001)

    assert ready(schedule) == ["a"]


def test_what_happens_during_a_sync_is_looked_at_once_after_it(schedule: Schedule[str]) -> None:
    schedule.notice("a", 0.0)
    schedule.take_looks(0.0)
    schedule.looked("a", 1, is_news=True, now=0.0)
    ready(schedule)
    for _ in range(5):
        schedule.notice("a", 0.01)

    assert schedule.take_looks(0.5) == []
    schedule.finished("a", 1.0)

    assert schedule.take_looks(1.0) == ["a"]
    schedule.looked("a", 1, is_news=False, now=1.0)
    assert schedule.is_at_rest("a")


def test_no_more_are_taken_than_there_is_room_for_and_in_order(schedule: Schedule[str]) -> None:
    for key in "abc":
        schedule.notice(key, 0.0)
    for key in schedule.take_looks(0.0):
        schedule.looked(key, 1, is_news=True, now=0.0)

    assert [key for key, _ in schedule.take_syncs(2)] == ["a", "b"]
    assert schedule.waiting == 1
    schedule.put_back("a")

    assert ready(schedule) == ["c", "a"]


def test_failures_are_tried_again_ever_more_seldom(schedule: Schedule[str]) -> None:
    schedule.resume("a", 2, 0.0)
    now, pauses = 0.0, []
    for _ in range(12):
        assert schedule.take_looks(now) == []
        fail(schedule, "a", now)
        due = schedule.next_due
        assert due is not None
        assert schedule.take_looks(due - 0.001) == []
        pauses.append(due - now)
        now = due

    assert pauses[:4] == [4.0, 8.0, 16.0, 32.0]
    assert pauses[-1] == LONGEST_RETRY_S
    assert retry_delay_s(10_000) == LONGEST_RETRY_S


def test_news_hasten_the_next_attempt_but_not_beyond_one_a_second(
    schedule: Schedule[str],
) -> None:
    schedule.resume("a", 9, 0.0)
    schedule.take_looks(0.0)
    fail(schedule, "a", 0.0)

    for tick in range(5):
        schedule.notice("a", tick / 10)

    assert schedule.take_looks(0.9) == []
    assert ready(schedule) == []
    schedule.take_looks(1.0)
    assert schedule.take_syncs(1) == [("a", 10)]


def test_success_after_failures_forgets_them(schedule: Schedule[str]) -> None:
    schedule.resume("a", 9, 0.0)
    schedule.take_looks(0.0)
    ready(schedule)
    schedule.notice("a", 0.1)
    schedule.finished("a", 0.2)

    assert schedule.take_looks(0.2) == ["a"]
    schedule.looked("a", 1, is_news=True, now=0.2)
    assert schedule.take_syncs(1) == [("a", 0)]


@pytest.mark.parametrize("stage", range(4))
def test_forgotten_repository_is_neither_looked_at_nor_synced(
    schedule: Schedule[str], stage: int
) -> None:
    steps: list[Callable[[], object]] = [
        lambda: schedule.notice("a", 0.0),
        lambda: schedule.take_looks(0.0),
        lambda: schedule.looked("a", 1, is_news=True, now=0.0),
        lambda: schedule.take_syncs(1),
    ]
    for step in steps[: stage + 1]:
        step()

    schedule.forget("a")
    schedule.finished("a", 1.0)

    assert schedule.take_looks(9.0) == []
    assert ready(schedule) == []
    assert schedule.is_at_rest("a")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_last_state_is_synced_and_never_twice_at_once(seed: int) -> None:
    """A repository whose heads change at random, and a watcher that does what it is told."""
    chance = random.Random(seed)
    schedule = Schedule[str](hold_back_s=0.3)
    current = dict.fromkeys("abc", 0)
    synced = dict.fromkeys("abc", 0)
    running: dict[str, int] = {}
    now = 0.0
    for turn in range(600):
        now += chance.choice([0.0, 0.0005, 0.01, 1.0])
        if turn < 400 and chance.random() < 0.5:
            key = chance.choice("abc")
            current[key] += 1
            schedule.notice(key, now)
        for key in schedule.take_looks(now):
            heads = chance.choice([0, 1, 2])
            schedule.looked(key, heads, is_news=current[key] != synced[key], now=now)
        for key, _ in schedule.take_syncs(2 - len(running)):
            assert key not in running
            running[key] = current[key]
        for key in [key for key in running if turn >= 400 or chance.random() < 0.4]:
            is_failure = turn < 400 and chance.random() < 0.3
            state = running.pop(key)
            synced[key] = synced[key] if is_failure else state
            schedule.finished(key, now, is_failure=is_failure)
    for _ in range(100):
        now += LONGEST_RETRY_S
        for key in schedule.take_looks(now):
            schedule.looked(key, 1, is_news=current[key] != synced[key], now=now)
        for key, _ in schedule.take_syncs(9):
            synced[key] = current[key]
            schedule.finished(key, now)

    assert synced == current
    assert all(map(schedule.is_at_rest, "abc"))
    assert schedule.next_due is None
