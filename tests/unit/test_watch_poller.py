"""A slow look at everything, by a clock that the test turns by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from wit_admin.services.watcher.poller import Poller


def poll_for(
    poller: Poller[int], things: list[int], seconds: float, start: float
) -> list[list[int]]:
    """Return what is taken each time when nothing is called before it is due."""
    taken = []
    now = start
    while now < start + seconds:
        taken.append(poller.take(things, len(things), now))
        now = poller.due
    return taken


@pytest.mark.parametrize(("count", "circle_s"), [(3, 0.5), (7, 30.0), (10_000, 30.0)])
def test_each_is_taken_once_in_a_circle(count: int, circle_s: float) -> None:
    things = list(range(count))
    poller = Poller[int](circle_s)

    batches = poll_for(poller, things, 4 * circle_s, 100.0)

    times = Counter(thing for batch in batches for thing in batch)
    assert set(times) == set(things)
    assert set(times.values()) <= {3, 4, 5}
    assert max(map(len, batches)) <= 251


def test_of_few_it_wakes_up_once_a_second_and_of_many_before_they_are_too_many() -> None:
    poller = Poller[int](30.0)

    assert poller.take([1], 1, 10.0) == []
    assert poller.due == 11.0
    assert poller.take([1], 1, 10.9) == []
    assert len(poller.take(range(100_000), 100_000, 11.0)) <= 251
    assert poller.due == pytest.approx(11.0 + 30 * 250 / 100_000)


def test_newcomers_take_part_from_the_next_circle_on() -> None:
    poller = Poller[int](1.0)
    things = [1]
    poll_for(poller, things, 3.0, 0.0)

    things.append(2)

    assert {each for batch in poll_for(poller, things, 3.0, 5.0) for each in batch} == {1, 2}


def test_in_a_hurry_all_are_taken_at_once_and_then_as_before() -> None:
    poller, things = Poller[int](30.0), list(range(1200))
    poll_for(poller, things, 10.0, 0.0)

    poller.hurry(things, 20.0)
    batches = [poller.take(things, len(things), 20.0) for _ in range(3)]

    assert [each for batch in batches for each in batch] == things
    assert len(poller.take(things, len(things), 20.0)) <= 251
    assert poller.due > 20.0
