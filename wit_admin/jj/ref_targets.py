"""Decodes the targets of bookmarks, tags and Git references, from all of jj's encodings.

Source: jj's lib/src/simple_op_store.rs, ref_target_from_proto.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, TypeVar

from wit_admin.errors import DamagedJjError
from wit_admin.jj.ids import CommitId
from wit_admin.jj.operations import commit_id

T = TypeVar("T")

_MAX_TERMS = 1024
"""More than that are an attack: each is shown wherever the bookmark is."""


@dataclass(frozen=True, slots=True)
class RefTarget:
    """A target as jj merges it: terms, in turn added and removed; ``None`` is an absent target."""

    terms: tuple[CommitId | None, ...]
    """An odd number of them."""

    @property
    def is_absent(self) -> bool:
        """Whether it points nowhere, and is not in conflict."""
        return self.terms == (None,)

    @property
    def is_conflicted(self) -> bool:
        """Whether it has several terms."""
        return len(self.terms) > 1

    @property
    def commit_id(self) -> CommitId | None:
        """The commit it points to; ``None`` if it is absent or in conflict."""
        return None if self.is_conflicted else self.terms[0]

    @property
    def added_ids(self) -> tuple[CommitId, ...]:
        """The commits that it may point to, in order, each once."""
        return tuple(dict.fromkeys(term for term in self.terms[0::2] if term is not None))


ABSENT = RefTarget((None,))


def decode_target(message: Any | None, what: str) -> RefTarget:
    """Return the target in a RefTarget message; no message is an absent target.

    Raises:
        DamagedJjError: Its terms cannot be one; ``what`` held it.
    """
    if message is None:
        return ABSENT
    if message.HasField("conflict"):
        conflict = message.conflict
        if len(conflict.adds) != len(conflict.removes) + 1:
            raise DamagedJjError(
                f"{what} is torn or malformed: a target has an even number of terms."
            )
        return _alternate(_terms(conflict.adds, what), _terms(conflict.removes, what))
    if message.HasField("conflict_legacy"):
        legacy = message.conflict_legacy
        return _decode_legacy(
            [commit_id(add, what) for add in _few(legacy.adds, what)],
            [commit_id(remove, what) for remove in _few(legacy.removes, what)],
        )
    if message.HasField("commit_id"):
        return RefTarget((commit_id(message.commit_id, what),))
    return ABSENT


def decode_terms(messages: Iterable[Any], what: str) -> RefTarget:
    """Return the target in a list of Term messages, which alternate already.

    Raises:
        DamagedJjError: They are even in number; ``what`` held them.
    """
    terms = _terms(messages, what)
    if len(terms) % 2 == 0:
        raise DamagedJjError(f"{what} is torn or malformed: a target has an even number of terms.")
    return RefTarget(tuple(terms))


def _terms(messages: Iterable[Any], what: str) -> list[CommitId | None]:
    few = _few(messages, what)
    return [commit_id(term.value, what) if term.HasField("value") else None for term in few]


def _few(terms: Iterable[T], what: str) -> list[T]:
    few = list(itertools.islice(terms, _MAX_TERMS + 1))
    if len(few) > _MAX_TERMS:
        raise DamagedJjError(f"{what} has a target with more than {_MAX_TERMS} terms.")
    return few


def _decode_legacy(adds: Sequence[CommitId], removes: Sequence[CommitId]) -> RefTarget:
    # jj before 0.9 left out absent terms, on either side.
    sides = max(len(adds), len(removes) + 1)
    return _alternate(
        [*adds, *[None] * (sides - len(adds))], [*removes, *[None] * (sides - 1 - len(removes))]
    )


def _alternate(adds: Sequence[CommitId | None], removes: Sequence[CommitId | None]) -> RefTarget:
    pairs = zip_longest(adds, removes)
    return RefTarget(tuple(term for pair in pairs for term in pair)[:-1])
