"""The algebra of conflicts: lists of an odd number of terms, in turn added and removed.

``(a,)`` is resolved; ``(a, b, c)`` is "a, and what changed from b to c". References and trees use
the same rules.
Source: jj's lib/src/merge.rs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def resolve_trivially(terms: Sequence[T], *, accepts_same_change: bool = True) -> tuple[T] | None:
    """Return the one term that ``terms`` come to by counting, in a tuple; ``None`` if none does.

    ``accepts_same_change`` is jj's default: two sides that made the same change agree.
    """
    if len(terms) == 1:
        return (terms[0],)
    if len(terms) == 3:  # noqa: PLR2004  nearly all of them
        return _resolve_three(*terms, accepts_same_change=accepts_same_change)
    counts: Counter[T] = Counter(terms[0::2])
    counts.subtract(terms[1::2])
    left = [(term, count) for term, count in counts.items() if count]
    if len(left) == 1:
        return (left[0][0],)
    # One of the two was removed as often as the other was added, less one: that one remains.
    if len(left) == 2 and accepts_same_change:  # noqa: PLR2004
        return next((term,) for term, count in left if count > 0)
    return None


def _resolve_three(left: T, base: T, right: T, *, accepts_same_change: bool) -> tuple[T] | None:
    if left == base:
        return (right,)
    if right == base or (accepts_same_change and left == right):
        return (left,)
    return None


def simplify(terms: Sequence[T]) -> tuple[T, ...]:
    """Return ``terms`` without the pairs that are both added and removed, otherwise in order."""
    left = list(terms)
    add = 0
    while add < len(left):
        remove = next((at for at in range(1, len(left), 2) if left[at] == left[add]), None)
        if remove is None:
            add += 2
        else:
            # The add that followed the remove takes the place of the one that goes.
            left[add], left[remove + 1] = left[remove + 1], left[add]
            del left[remove : remove + 2]
    return tuple(left)


def flatten(terms: Iterable[Sequence[T]]) -> tuple[T, ...]:
    """Return one list for a list of lists; the terms of removed lists are negated."""
    flat: list[T] = []
    for position, inner in enumerate(terms):
        if position % 2 == 0:
            flat.extend(inner)
        else:
            flat.extend(negated(inner))
    return tuple(flat)


def negated(terms: Sequence[T]) -> tuple[T, ...]:
    """Return the terms with signs changed: rotated by one, then swapped in pairs."""
    rotated = [*terms[1:], terms[0]]
    for at in range(0, len(rotated) - 1, 2):
        rotated[at], rotated[at + 1] = rotated[at + 1], rotated[at]
    return tuple(rotated)
