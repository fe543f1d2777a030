"""The garbage collector runs seldom during large work, and as often as before after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from wit_admin.garbage import relaxed_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Give the collector Python's own threshold: commands that ran before may have raised it."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_collector_is_relaxed_until_the_last_block_ends() -> None:
    before = gc.get_threshold()

    with relaxed_collector:
        with pytest.raises(ZeroDivisionError), relaxed_collector:
            _ = 1 / 0
        within = gc.get_threshold()

    assert within[0] > 10 * before[0]
    assert gc.get_threshold() == before
