"""``--follow``: lists that keep printing new rows."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

T = TypeVar("T")

_STDOUT = 1
_LOOK_AGAIN_MS = 500


def keep_looking(look: Callable[[], Iterable[T]], show: Callable[[T], None]) -> NoReturn:
    """Show what each look finds, until interrupted, which leaves with 130.

    Raises:
        BrokenPipeError: The reader of stdout is gone; a write would only tell at the next row.
    """
    reader = select.poll()
    # Asks for nothing: that the other end was closed is told unasked.
    reader.register(_STDOUT, 0)
    while True:
        found = list(look())
        for each in found:
            show(each)
        if reader.poll(0 if found else _LOOK_AGAIN_MS):
            raise BrokenPipeError
