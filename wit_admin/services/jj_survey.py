"""What happened in the operation log of a jj repository since its rows were written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.graph import compare_heads
from wit_admin.jj.ids import OperationId
from wit_admin.jj.operations import Operation
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.undo import to_step
from wit_admin.jj.views import View


@dataclass(frozen=True, slots=True)
class LogMoves:
    """Operations between two states."""

    added: tuple[Operation, ...] = ()
    """Newest first."""
    gone: frozenset[OperationId] = frozenset()
    undone: frozenset[OperationId] = frozenset()
    """All that are; or, unless ``is_anew``, those that became so."""
    redone: frozenset[OperationId] = frozenset()
    """Those that were undone and are no more."""
    is_anew: bool = False
    """Nothing that was known of what is undone holds."""

    def among(self, known: Collection[OperationId]) -> LogMoves:
        """Return what is to be done where the rows of ``known`` are there, and all is new."""
        ids = {operation.id for operation in self.added}
        new = tuple(operation for operation in self.added if operation.id not in known)
        return replace(self, added=new, gone=frozenset(known) - ids)


FindKnown = Callable[[OperationId], bool]
"""Tells whether an operation was in the log at the time of the rows."""


def read_log(repository: JjRepository) -> LogMoves:
    """Return all of the log, as it is when nothing is known.

    Raises:
        MissingJjError: An operation is not there.
        DamagedJjError: One is malformed.
    """
    operations = tuple(repository.iter_operations())
    return LogMoves(operations, undone=frozenset(repository.find_undone()), is_anew=True)


def compare_logs(
    repository: JjRepository, old_heads: tuple[OperationId, ...], is_known: FindKnown
) -> LogMoves:
    """Compare a snapshot with the state after ``old_heads``.

    Costs what lies between the two, and as far back as anything was undone; or the whole log where
    a part of it went, or what was undone was named by an id that went.

    Raises:
        MissingJjError: An operation is not there.
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

    def find_present(target: OperationId) -> OperationId:
        if target not in steps and not is_known(target):
            raise _StaleError
        return target

    redone, undone = repository.compare_undone(old_heads, find_present, steps)
    return frozenset(redone), frozenset(undone)


def read_old_view(repository: JjRepository, old_heads: tuple[OperationId, ...]) -> View:
    """Return the state after ``old_heads``, as it was taken to be then.

    Raises:
        MissingJjError: A part of it is not there any more.
    """
    if len(old_heads) == 1:
        return repository.read_view(old_heads[0], with_git_refs=False)
    return merge_heads(repository.op_store, repository.commits, old_heads)


@dataclass(frozen=True, slots=True)
class _Outside:
    """Contains all but these."""

    inside: set[str]

    def __contains__(self, key: object) -> bool:
        return key not in self.inside
