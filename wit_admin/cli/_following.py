"""``--follow``: keeps printing new rows of a list."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

T = TypeVar("T")

_STDOUT = 1
_LOOK_AGAIN_MS = 500


def keep_looking(look: Callable[[], Iterable[T]], show: Callable[[T], None]) -> NoReturn:
    """Show what each look finds, until Ctrl-C, which exits with 130.

    Raises:
        BrokenPipeError: The reader of stdout is gone; without this check only the next row would
            show that.
    """
    reader = select.poll()
    # No events are requested: poll always reports that the other end was closed.
    reader.register(_STDOUT, 0)
    while True:
        found = list(look())
        for each in found:
            show(each)
        if reader.poll(0 if found else _LOOK_AGAIN_MS):
            raise BrokenPipeError
