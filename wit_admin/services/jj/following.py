"""Finds out what is new in the rows of a jj repository since the last look, for ``--follow``.

A look reads one row if nothing was synced meanwhile. It never sees half of a sync, since a sync is
one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import jj_changes, jj_operations, jj_state
from wit_admin.db.queries.jj_changes import ChangeRow
from wit_admin.db.queries.jj_operations import OperationFilter, OperationRow
from wit_admin.db.statements import hold_snapshot
from wit_admin.jj.graph import Node, compare_heads
from wit_admin.jj.ids import ROOT_OPERATION_ID
from wit_admin.services.jj.lookups import require_changes, require_synced
from wit_admin.services.jj.reading import ChangeQuery, order_log, resolve_query, with_commits


class _RowIsGoneError(Exception):
    """The known operation is gone: after ``op abandon``, or in another repository."""


class FollowedOperations:
    """New rows of the operation log."""

    def __init__(
        self, sessions: sessionmaker[Session], repo_id: uuid.UUID, wanted: OperationFilter
    ) -> None:
        self._sessions, self._repo_id, self._wanted = sessions, repo_id, wanted
        with sessions() as session:
            require_synced(session, repo_id)
            self._heads = _op_heads(session, repo_id)

    def look(self) -> list[OperationRow]:
        """Return the operations since the last look, the earliest first."""
        with self._sessions() as session:
            hold_snapshot(session)
            heads = _op_heads(session, self._repo_id)
            if heads == self._heads:
                return []
            rows = self._since(session, heads)
        self._heads = heads
        wanted = (row for row in rows if _fits(row, self._wanted))
        return order_log(list(wanted))[::-1]

    def _since(self, session: Session, heads: Collection[str]) -> list[OperationRow]:
        met: dict[str, OperationRow] = {}

        def read(operation_id: str) -> Node:
            if operation_id == ROOT_OPERATION_ID:
                return Node(0, ())
            for row in jj_operations.list_operations_by_id(session, self._repo_id, [operation_id]):
                met[operation_id] = row
                return Node(round(row.ended_at.timestamp() * 1000), row.parents)
            raise _RowIsGoneError

        try:
            added, _ = compare_heads(self._heads, heads, read)
        except _RowIsGoneError:
            # The operations that were shown have other ids now, so start again from here.
            return jj_operations.list_operations_by_id(session, self._repo_id, sorted(heads))
        return [met[operation_id] for operation_id in added]


class FollowedChanges:
    """New and modified changes."""

    def __init__(
        self, sessions: sessionmaker[Session], repo_id: uuid.UUID, wanted: ChangeQuery
    ) -> None:
        self._sessions, self._repo_id = sessions, repo_id
        # A change that was shown and is hidden now counts as modified.
        self._wanted = wanted if wanted.is_hidden else replace(wanted, is_hidden=None)
        with sessions() as session:
            hold_snapshot(session)
            self._moment = require_changes(session, repo_id)
            self._states: dict[str, tuple[Any, ...]] = jj_changes.list_change_states(
                session, repo_id
            )

    def look(self) -> list[ChangeRow]:
        """Return the changes that are new or modified since the last look, the earliest first.

        After a sync or push it reads each change of the repository.
        """
        with self._sessions() as session:
            hold_snapshot(session)
            moment = jj_state.find_moment(session, self._repo_id) or ()
            if moment == self._moment:
                return []
            states = jj_changes.list_change_states(session, self._repo_id)
            other = [key for key, state in states.items() if self._states.get(key) != state]
            wanted = resolve_query(session, self._repo_id, self._wanted)
            rows = jj_changes.list_changes_by_id(session, self._repo_id, wanted, other)
            shown = with_commits(session, self._repo_id, rows)
        self._moment, self._states = moment, states
        return list(shown)


def _op_heads(session: Session, repo_id: uuid.UUID) -> tuple[str, ...]:
    state = jj_state.find_state(session, repo_id)
    return state.op_heads if state is not None else ()


def _fits(row: OperationRow, wanted: OperationFilter) -> bool:
    return all(
        value is None or value == found
        for value, found in (
            (wanted.kind, row.operation_type),
            (wanted.is_undone, row.is_undone),
            (wanted.is_snapshot, row.is_snapshot),
        )
    )
