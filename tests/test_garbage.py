"""The garbage collector runs seldom during large work, and as often as before after it."""

from __future__ import annotations

import gc

import pytest

from wit_admin.garbage import relaxed_collector


def test_collector_is_relaxed_until_the_last_block_ends() -> None:
    before = gc.get_threshold()

    with relaxed_collector:
        with pytest.raises(ZeroDivisionError), relaxed_collector:
            _ = 1 / 0
        within = gc.get_threshold()

    assert within[0] > 10 * before[0]
    assert gc.get_threshold() == before
