"""Merges the lines of files as jj does: any number of sides, with the results of jj.

The sides are compared with the first base. Lines that are in all of them, in the same order, divide
the files into hunks, and each hunk must be resolved by counting alone. Which equal lines are taken
for the same one decides the result, so that is done exactly as in jj: the rarest lines first, then
the lines between those.
Source: jj's lib/src/diff.rs and lib/src/files.rs, from 0.24 on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter

from wit_admin.errors import TooLargeJjError
from wit_admin.jj.effort import Effort
from wit_admin.jj.merges import resolve_trivially

_MAX_LINES = 500_000
_MAX_OCCURRENCES = 100
"""jj counts no further, and gives up where all lines occur more often."""

_Lines = list[bytes]
"""Lines with their ends; the last one may have none."""
_Pairs = list[tuple[int, int]]
"""Positions of the same line in two files, ascending."""


def merge_lines(terms: Sequence[bytes], effort: Effort) -> bytes | None:
    """Return what ``terms``, in turn added and removed, merge to; ``None`` if it is a conflict.

    Raises:
        TooLargeJjError: That would take too long.
    """
    if sum(term.count(b"\n") for term in terms) > _MAX_LINES:
        raise TooLargeJjError("Files to merge have too many lines.")
    # In jj's order: the first base is what the others are compared with.
    sides = [_split(term) for term in (*terms[1::2], *terms[0::2])]
    bases = len(terms) // 2
    merged: list[bytes] = []
    begin = (0,) * len(sides)
    end = tuple(map(len, sides))
    for place in (*_find_unchanged(sides, effort), end):
        if place != begin:
            hunks = [
                b"".join(side[at:to]) for side, at, to in zip(sides, begin, place, strict=True)
            ]
            resolved = resolve_trivially(_alternate(hunks[bases:], hunks[:bases]))
            if resolved is None:
                return None
            merged += resolved
        # After each hunk follows a line that is in all sides, but for the last.
        merged += sides[0][place[0] : place[0] + 1]
        begin = tuple([at + 1 for at in place])
    return b"".join(merged)


def _split(text: bytes) -> _Lines:
    lines = [line + b"\n" for line in text.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _alternate(adds: Sequence[bytes], removes: Sequence[bytes]) -> list[bytes]:
    terms = [term for pair in zip(adds, removes, strict=False) for term in pair]
    return [*terms, adds[-1]]


def _find_unchanged(sides: Sequence[_Lines], effort: Effort) -> list[tuple[int, ...]]:
    """Return the positions, in each side, of the lines that are the same in all."""
    if not all(sides):
        return []
    base, first, *others = sides
    places: dict[int, tuple[int, ...]] = {at: (at, to) for at, to in _pair(base, first, effort)}
    for other in others:
        found = dict(_pair(base, other, effort))
        places = {at: (*place, found[at]) for at, place in places.items() if at in found}
    return list(places.values())


def _pair(one: _Lines, other: _Lines, effort: Effort) -> _Pairs:
    """Return the pairs of equal lines, ascending on both sides."""
    found: _Pairs = []
    waiting = [(0, len(one), 0, len(other))]
    while waiting:
        begin, end, other_begin, other_end = waiting.pop()
        part, other_part = one[begin:end], other[other_begin:other_end]
        if part == other_part:
            found += zip(range(begin, end), range(other_begin, other_end), strict=True)
            continue
        effort.spend(end - begin + other_end - other_begin)
        pairs = _pair_rarest(part, other_part)
        here = [(begin + at, other_begin + to) for at, to in pairs or _pair_ends(part, other_part)]
        found += here
        if pairs:
            # What lies between two pairs is compared in the same way.
            borders = [(begin - 1, other_begin - 1), *here, (end, other_end)]
            waiting += [
                (at + 1, next_at, to + 1, next_to)
                for (at, to), (next_at, next_to) in pairwise(borders)
                if next_at - at > 1 and next_to - to > 1
            ]
    found.sort()
    return found


def _pair_rarest(one: _Lines, other: _Lines) -> _Pairs:
    """Return pairs of the lines that occur least, and as often in both, as many as keep order."""
    counts, other_counts = _count(one), _count(other)
    shared = {line: count for line, count in counts.items() if other_counts.get(line) == count}
    if not shared or min(counts.values()) > _MAX_OCCURRENCES:
        return []
    rarest = min(shared.values())
    lines = {line for line, count in shared.items() if count == rarest}
    places, other_places = _list_places(one, lines), _list_places(other, lines)
    pairs = [
        pair
        for line, at in places.items()
        for pair in zip(at[:rarest], other_places[line][:rarest], strict=True)
    ]
    pairs.sort(key=itemgetter(1))
    return _longest_ascending(pairs)


def _count(lines: _Lines) -> Mapping[bytes, int]:
    counts = Counter(lines)
    # All beyond the limit are one group, as jj stops to count there.
    for line in [line for line, count in counts.items() if count > _MAX_OCCURRENCES]:
        counts[line] = _MAX_OCCURRENCES + 1
    return counts


def _list_places(lines: _Lines, wanted: Container[bytes]) -> dict[bytes, list[int]]:
    places: dict[bytes, list[int]] = {}
    for at, line in enumerate(lines):
        if line in wanted:
            places.setdefault(line, []).append(at)
    return places


def _longest_ascending(pairs: _Pairs) -> _Pairs:
    """Return the longest chain in which both sides ascend; of several the one that jj takes."""
    if pairs == sorted(pairs):
        # Nearly always.
        return pairs
    ends: list[int] = []
    last: list[int] = []
    before: list[int | None] = []
    longest = 0
    for position, (at, _) in enumerate(pairs):
        length = bisect_left(ends, at)
        before.append(last[length - 1] if length else None)
        if length == len(ends):
            ends.append(at)
            last.append(position)
            # The first that is as long.
            longest = position
        else:
            ends[length] = at
            last[length] = position
    chain: _Pairs = []
    step: int | None = longest
    while step is not None:
        chain.append(pairs[step])
        step = before[step]
    chain.reverse()
    return chain


def _pair_ends(one: _Lines, other: _Lines) -> _Pairs:
    """Return pairs of the lines that both begin with, and of those that both end with."""
    shorter = min(len(one), len(other))
    head = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    left = shorter - head
    tail = next((at for at in range(left) if one[~at] != other[~at]), left)
    return [(at, at) for at in range(head)] + [
        (len(one) - at, len(other) - at) for at in range(tail, 0, -1)
    ]
