"""What happened in a jj repository since its rows were written, read from disk alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from wit_admin.errors import MissingJjError
from wit_admin.jj.commit_store import COMMIT_SKEW_MS
from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.graph import compare_heads
from wit_admin.jj.ids import CommitId, OperationId
from wit_admin.jj.operations import Operation
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.undo import parse_effect
from wit_admin.jj.views import View
from wit_admin.jj.visibility import immutable_heads


@dataclass(frozen=True, slots=True)
class Moves:
    """Commits between two states."""

    added: frozenset[CommitId]
    gone: frozenset[CommitId]


@dataclass(frozen=True, slots=True)
class Survey:
    """One snapshot, and how it differs from the state of the rows."""

    repository: JjRepository
    is_full: bool
    """Nothing of the old state could be read: rows that are not found here are to go."""
    operations: tuple[Operation, ...]
    """New ones, newest first."""
    operations_gone: frozenset[OperationId]
    undone: frozenset[OperationId] | None
    """All that are undone; ``None`` if that cannot have changed."""
    known: Moves
    """Commits that the view names and what leads to them."""
    visible: Moves
    immutable: Moves
    checked_out: Moves

    @property
    def view(self) -> View:
        """The present state."""
        return self.repository.view

    def touched(self) -> frozenset[CommitId]:
        """Return the commits of which a row may have to change."""
        moves = (self.known, self.visible, self.immutable, self.checked_out)
        return frozenset().union(*(each.added | each.gone for each in moves))


def survey(repository: JjRepository, old_heads: Sequence[OperationId]) -> Survey:
    """Compare a snapshot with the state after ``old_heads``; without any all is new.

    Costs what lies between the two. Where parts of the old state are gone, after ``op abandon``
    and a clean-up for instance, everything is new.

    Raises:
        MissingJjError: A part of the present state is not there.
        DamagedJjError: It is malformed.
    """
    if old_heads:
        try:
            return _compare(repository, tuple(old_heads))
        except MissingJjError:
            # Of the old state, or of the present one: then it will be missed again below.
            pass
    return _compare(repository, ())


def _compare(repository: JjRepository, old_heads: tuple[OperationId, ...]) -> Survey:
    read = repository.op_store.read_node
    added, gone = compare_heads(old_heads, repository.op_heads, read)
    operations = tuple(
        operation
        for operation in repository.op_store.walk(repository.op_heads, known=_Outside(added))
        if not operation.is_root
    )
    new = repository.view
    old = _old_view(repository, old_heads)
    return Survey(
        repository=repository,
        is_full=not old_heads,
        operations=operations,
        operations_gone=frozenset(gone),
        undone=_undone(repository, operations, is_rewritten=bool(gone) or not old_heads),
        known=_moves(repository, old.commit_ids() if old else (), new.commit_ids()),
        visible=_moves(repository, old.head_ids if old else (), new.head_ids),
        immutable=_moves(
            repository,
            immutable_heads(repository.commits, old) if old else (),
            immutable_heads(repository.commits, new),
        ),
        checked_out=_checked_out(old, new),
    )


@dataclass(frozen=True, slots=True)
class _Outside:
    """Contains all but these."""

    inside: set[str]

    def __contains__(self, key: object) -> bool:
        return key not in self.inside


def _old_view(repository: JjRepository, old_heads: tuple[OperationId, ...]) -> View | None:
    if not old_heads:
        return None
    if len(old_heads) == 1:
        return repository.read_view(old_heads[0])
    return merge_heads(repository.op_store, repository.commits, old_heads)


def _undone(
    repository: JjRepository, new: Iterable[Operation], *, is_rewritten: bool
) -> frozenset[OperationId] | None:
    if is_rewritten or any(parse_effect(operation) is not None for operation in new):
        return frozenset(repository.find_undone())
    return None


def _moves(repository: JjRepository, old: Iterable[CommitId], new: Collection[CommitId]) -> Moves:
    commits = repository.commits
    # A bookmark may name for ever what Git never had, or lost.
    lost = {commit_id for commit_id in new if commits.find(commit_id) is None}
    added, gone = compare_heads(
        set(old) - lost, set(new) - lost, commits.read_node, skew_ms=COMMIT_SKEW_MS
    )
    return Moves(frozenset(added), frozenset(gone))


def _checked_out(old: View | None, new: View) -> Moves:
    before = frozenset(old.working_copies.values()) if old is not None else frozenset()
    now = frozenset(new.working_copies.values())
    return Moves(now - before, before - now)
