"""How long a worker that keeps dying is waited with."""

from __future__ import annotations

from itertools import pairwise

from wit_admin.web.workers import restart_delay_s


def test_delay_grows_with_each_young_death_up_to_a_limit() -> None:
    delays = [restart_delay_s(deaths) for deaths in range(20)]

    assert delays[0] == 0.1
    assert all(before < after or after == 5.0 for before, after in pairwise(delays))
    assert delays[-1] == 5.0


def test_worker_that_dies_young_for_days_does_not_end_its_parent() -> None:
    assert restart_delay_s(100_000) == 5.0
