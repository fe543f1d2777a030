"""Changes and the commits that carry them, as syncs write them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, union_all

from wit_admin.db.bulk import upsert_rows
from wit_admin.db.core import table_of
from wit_admin.db.models.jj import Change, ChangeCommit
from wit_admin.db.statements import chunks

_CHANGES, _COMMITS = table_of(Change), table_of(ChangeCommit)
_IS_CHANGE_OURS = _CHANGES.c.repo_id == bindparam("repo")
_IS_COMMIT_OURS = _COMMITS.c.repo_id == bindparam("repo")


class ChangeValues(NamedTuple):
    """The row of a change without its repository."""

    change_id: str
    commit_id: str
    description: str
    author_name: str
    author_email: str
    authored_at: datetime
    committed_at: datetime
    is_empty: bool | None
    has_conflicts: bool
    is_divergent: bool
    is_hidden: bool
    is_immutable: bool


class CommitValues(NamedTuple):
    """The row of a commit without its repository."""

    commit_id: str
    change_id: str
    parents: Sequence[str]
    is_visible: bool
    is_immutable: bool
    is_working_copy: bool
    children: int
    visible_children: int
    immutable_children: int


_ALL = select(*(_COMMITS.c[name] for name in CommitValues._fields)).where(_IS_COMMIT_OURS)
_LIST = union_all(
    _ALL.where(_COMMITS.c.commit_id.in_(bindparam("commit_ids", expanding=True))),
    _ALL.where(_COMMITS.c.change_id.in_(bindparam("change_ids", expanding=True))),
)
_ANY = select(_CHANGES.c.change_id).where(_IS_CHANGE_OURS).limit(1)
_IDS = select(_COMMITS.c.commit_id, _COMMITS.c.change_id).where(_IS_COMMIT_OURS)
_DELETE_COMMITS = delete(_COMMITS).where(
    _IS_COMMIT_OURS, _COMMITS.c.commit_id.in_(bindparam("ids", expanding=True))
)
_DELETE_CHANGES = delete(_CHANGES).where(
    _IS_CHANGE_OURS, _CHANGES.c.change_id.in_(bindparam("ids", expanding=True))
)


def list_commits(
    connection: Connection,
    repo_id: uuid.UUID,
    *,
    commit_ids: Iterable[str] = (),
    change_ids: Iterable[str] = (),
) -> list[CommitValues]:
    """Return the rows of these commits and of the commits of these changes, each once."""
    by_commit, by_change = list(chunks(sorted(commit_ids))), list(chunks(sorted(change_ids)))
    found: dict[str, CommitValues] = {}
    for commits, changes in zip_longest(by_commit, by_change, fillvalue=()):
        keys = {"repo": repo_id, "commit_ids": commits, "change_ids": changes}
        found.update((row[0], CommitValues(*row)) for row in connection.execute(_LIST, keys))
    return list(found.values())


def list_commit_ids(connection: Connection, repo_id: uuid.UUID) -> dict[str, str]:
    """Return the change of each commit that has a row, for a sync that begins anew."""
    return {row[0]: row[1] for row in connection.execute(_IDS, {"repo": repo_id})}


def has_changes(connection: Connection, repo_id: uuid.UUID) -> bool:
    """Return whether any change of a repository has a row."""
    return connection.execute(_ANY, {"repo": repo_id}).first() is not None


def write_changes(
    connection: Connection,
    repo_id: uuid.UUID,
    changes: Sequence[ChangeValues],
    commits: Sequence[CommitValues],
    *,
    are_new: bool = False,
) -> None:
    """Insert or overwrite changes and commits of theirs.

    ``are_new`` says that the repository has no row of either, which is faster.
    """
    same = {"repo_id": repo_id}
    upsert_rows(connection, Change, ChangeValues._fields, changes, same=same, are_new=are_new)
    upsert_rows(connection, ChangeCommit, CommitValues._fields, commits, same=same, are_new=are_new)


def delete_commits(
    connection: Connection,
    repo_id: uuid.UUID,
    commit_ids: Collection[str],
    change_ids: Collection[str],
) -> None:
    """Delete commits, and changes without commits with all that refers to them."""
    for statement, keys in ((_DELETE_COMMITS, commit_ids), (_DELETE_CHANGES, change_ids)):
        for chunk in chunks(sorted(keys)):
            connection.execute(statement, {"repo": repo_id, "ids": chunk})
