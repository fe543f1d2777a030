"""Finds out what happened in the operation log of a jj repository since the last sync."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache

from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.graph import compare_heads
from wit_admin.jj.ids import OperationId
from wit_admin.jj.operations import Operation
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.undo import to_step
from wit_admin.jj.views import View


@dataclass(frozen=True, slots=True)
class LogMoves:
    """The differences between two states of the operation log."""

    added: tuple[Operation, ...] = ()
    """New operations, the newest first."""
    gone: frozenset[OperationId] = frozenset()
    undone: frozenset[OperationId] = frozenset()
    """The undone operations: all with ``is_anew``, otherwise the newly undone ones."""
    redone: frozenset[OperationId] = frozenset()
    """The operations that are no longer undone."""
    is_anew: bool = False
    """Whether ``undone`` replaces all that was known."""

    def among(self, known: Collection[OperationId]) -> LogMoves:
        """Return what is missing in rows that have the operations ``known``."""
        ids = {operation.id for operation in self.added}
        new = tuple(operation for operation in self.added if operation.id not in known)
        return replace(self, added=new, gone=frozenset(known) - ids)


FindKnown = Callable[[OperationId], bool]
"""Returns whether an operation was in the log at the last sync."""


def read_log(repository: JjRepository) -> LogMoves:
    """Return the whole log, for a first sync.

    Raises:
        MissingJjError: An operation is missing.
        DamagedJjError: One is malformed.
    """
    operations = tuple(repository.iter_operations())
    return LogMoves(operations, undone=frozenset(repository.find_undone()), is_anew=True)


def compare_logs(
    repository: JjRepository, old_heads: tuple[OperationId, ...], is_known: FindKnown
) -> LogMoves:
    """Compare a snapshot with the state after ``old_heads``.

    It reads the operations in between, and as far back as something was undone. It reads the whole
    log if a part of it was abandoned, or if an undone operation has another id now.

    Raises:
        MissingJjError: An operation is missing.
        DamagedJjError: One is malformed.
    """
    added, gone = compare_heads(old_heads, repository.op_heads, repository.op_store.read_node)
    operations = tuple(
        operation
        for operation in repository.op_store.walk(repository.op_heads, known=_Outside(added))
        if not operation.is_root
    )
    try:
        moved = _compare_undone(repository, old_heads, operations, is_known) if not gone else None
    except _StaleError:
        moved = None
    if moved is None:
        undone = frozenset(repository.find_undone())
        return LogMoves(operations, frozenset(gone), undone, is_anew=True)
    redone, no_more = moved
    return LogMoves(operations, undone=no_more | (added - redone), redone=redone - added)


class _StaleError(Exception):
    """An operation is named by an id that it had before ``op abandon``."""


def _compare_undone(
    repository: JjRepository,
    old_heads: tuple[OperationId, ...],
    new: Iterable[Operation],
    is_known: FindKnown,
) -> tuple[frozenset[OperationId], frozenset[OperationId]]:
    steps = {operation.id: to_step(operation) for operation in new}

    @cache
    def find_old(target: OperationId) -> OperationId:
        if not is_known(target):
            raise _StaleError
        return target

    def find_new(target: OperationId) -> OperationId:
        return target if target in steps else find_old(target)

    redone, undone = repository.compare_undone(
        old_heads, steps, find_old=find_old, find_new=find_new
    )
    return frozenset(redone), frozenset(undone)


def read_old_view(repository: JjRepository, old_heads: tuple[OperationId, ...]) -> View:
    """Return the view after ``old_heads``, as the last sync saw it.

    Raises:
        MissingJjError: A part of it no longer exists.
    """
    if len(old_heads) == 1:
        return repository.read_view(old_heads[0], with_git_refs=False)
    return merge_heads(repository.op_store, repository.commits, old_heads)


@dataclass(frozen=True, slots=True)
class _Outside:
    """A collection that contains everything except these."""

    inside: set[str]

    def __contains__(self, key: object) -> bool:
        return key not in self.inside
