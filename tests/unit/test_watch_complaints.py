"""What fails for days is told now and then."""

from __future__ import annotations

import uuid

import pytest

from wit_admin.services.watcher import complaints
from wit_admin.services.watcher.complaints import AGAIN_S, SOONEST_S, Complaints

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)


def test_same_failure_is_told_once_an_hour_and_another_after_a_minute() -> None:
    told = Complaints()

    assert told.is_due(ONE, "torn", 0.0)
    assert told.is_due(TWO, "torn", 0.0)
    assert not told.is_due(ONE, "torn", AGAIN_S - 1)
    assert told.is_due(ONE, "torn", AGAIN_S)
    assert not told.is_due(ONE, "gone", AGAIN_S + SOONEST_S - 1)
    assert told.is_due(ONE, "gone", AGAIN_S + SOONEST_S)


def test_what_fails_again_after_it_was_whole_is_told_after_a_minute() -> None:
    told = Complaints()
    assert told.is_due(ONE, "torn", 0.0)
    told.recovered(ONE)
    told.recovered(TWO)

    assert not told.is_due(ONE, "torn", SOONEST_S - 1)
    assert told.is_due(ONE, "torn", SOONEST_S)


def test_one_that_changes_its_failure_all_the_time_is_told_once_a_minute() -> None:
    told = Complaints()

    count = sum(told.is_due(ONE, f"torn {second}", float(second)) for second in range(3600))

    assert count == 60


def test_no_more_is_remembered_than_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints, "_MAX_REPOSITORIES", 2)
    told = Complaints()

    for number in range(3):
        assert told.is_due(uuid.UUID(int=number), "torn", 0.0)
    assert not told.is_due(TWO, "torn", 1.0)
    assert told.is_due(uuid.UUID(int=0), "torn", 1.0)
