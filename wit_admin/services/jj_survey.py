"""What happened in the operation log of a jj repository since its rows were written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.graph import compare_heads
from wit_admin.jj.ids import OperationId
from wit_admin.jj.operations import Operation
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.undo import parse_effect
from wit_admin.jj.views import View


@dataclass(frozen=True, slots=True)
class LogMoves:
    """Operations between two states."""

    added: tuple[Operation, ...] = ()
    """Newest first."""
    gone: frozenset[OperationId] = frozenset()
    undone: frozenset[OperationId] | None = None
    """All that are undone; ``None`` if that cannot have changed."""

    def among(self, known: Collection[OperationId]) -> LogMoves:
        """Return what is to be done where the rows of ``known`` are there, and all is new."""
        ids = {operation.id for operation in self.added}
        new = tuple(operation for operation in self.added if operation.id not in known)
        return LogMoves(new, frozenset(known) - ids, self.undone)


def compare_logs(repository: JjRepository, old_heads: tuple[OperationId, ...]) -> LogMoves:
    """Compare a snapshot with the state after ``old_heads``; without any all is new.

    Costs what lies between the two, or the whole log where something was undone.

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
    is_rewritten = bool(gone) or not old_heads
    return LogMoves(
        added=operations,
        gone=frozenset(gone),
        undone=_undone(repository, operations, is_rewritten=is_rewritten),
    )


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


def _undone(
    repository: JjRepository, new: Iterable[Operation], *, is_rewritten: bool
) -> frozenset[OperationId] | None:
    if is_rewritten or any(parse_effect(operation) is not None for operation in new):
        return frozenset(repository.find_undone())
    return None
