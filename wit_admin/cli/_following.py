"""Lists that go on as things happen: what ``--follow`` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

T = TypeVar("T")

_LOOK_AGAIN_S = 0.5


def follow(look: Callable[[], Iterable[T]], show: Callable[[T], None]) -> NoReturn:
    """Show what each look finds, until interrupted, which leaves with 130."""
    while True:
        found = list(look())
        for each in found:
            show(each)
        if not found:
            time.sleep(_LOOK_AGAIN_S)
