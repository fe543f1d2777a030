"""How a jj repository's facts become rows: pure, apart from reading the snapshot."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Mapping
from typing import Any

from wit_admin.jj.commits import Commit
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.jj.operation_kinds import operation_type
from wit_admin.jj.operations import Operation
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.views import GIT_REMOTE

MAX_CONFLICTED_PATHS = 10_000
"""More paths of one commit are not kept; hostile trees have no end of them."""

_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s'@]+@", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Return a text that both databases can keep: PostgreSQL has no NUL."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def operation_row(repo_id: uuid.UUID, operation: Operation, *, is_undone: bool) -> dict[str, Any]:
    """Return the row of an operation; credentials in URLs that were typed are left out."""
    return {
        "repo_id": repo_id,
        "operation_id": operation.id,
        "parents": list(operation.parents),
        "view_id": operation.view_id,
        "operation_type": operation_type(operation),
        "description": _redact(operation.description),
        "hostname": plain_text(operation.hostname),
        "username": plain_text(operation.username),
        "started_at": operation.start.to_datetime(),
        "ended_at": operation.end.to_datetime(),
        "is_snapshot": operation.is_snapshot,
        "is_undone": is_undone,
        "tags": {plain_text(key): _redact(value) for key, value in operation.attributes.items()},
    }


def _redact(text: str) -> str:
    return _CREDENTIALS.sub(r"\1***@", plain_text(text))


def commit_row(
    repo_id: uuid.UUID, commit: Commit, *, is_visible: bool, is_working_copy: bool
) -> dict[str, Any]:
    """Return the row of a commit."""
    return {
        "repo_id": repo_id,
        "commit_id": commit.id,
        "change_id": commit.change_id,
        "parents": list(commit.parents),
        "is_visible": is_visible,
        "is_working_copy": is_working_copy,
    }


def change_row(
    repo_id: uuid.UUID,
    repository: JjRepository,
    commits: Mapping[CommitId, bool],
    immutable: frozenset[CommitId],
) -> dict[str, Any]:
    """Return the row of the change that these commits carry; the values say which are visible.

    The commit that speaks for it is a visible one if there is any, of these the newest.
    """
    commit = max(
        (repository.commits.read(commit_id) for commit_id in commits),
        key=lambda each: (commits[each.id], each.committer.time.ms, each.id),
    )
    visible = sum(commits.values())
    return {
        "repo_id": repo_id,
        "change_id": commit.change_id,
        "commit_id": commit.id,
        "description": plain_text(commit.description),
        "author_name": plain_text(commit.author.name),
        "author_email": plain_text(commit.author.email),
        "authored_at": commit.author.time.to_datetime(),
        "committed_at": commit.committer.time.to_datetime(),
        "is_empty": repository.is_empty(commit),
        "has_conflicts": commit.has_conflict,
        "is_divergent": visible > 1,
        "is_hidden": not visible,
        "is_immutable": commit.id in immutable,
    }


def conflicted_paths(repository: JjRepository, commit: Commit) -> dict[str, int]:
    """Return the sides of each conflicted path of a commit."""
    paths = itertools.islice(repository.iter_conflicted_paths(commit), MAX_CONFLICTED_PATHS)
    # What is not UTF-8 must not fall together with another name.
    return {path.path.decode("utf-8", "backslashreplace"): path.sides for path in paths}


def bookmark_rows(repo_id: uuid.UUID, repository: JjRepository) -> list[dict[str, Any]]:
    """Return the rows of all bookmarks, those of remotes too; Git's own mirror is left out."""
    default = repository.find_default_bookmark()
    rows = [
        {
            **_target_columns(repository, target),
            "name": plain_text(name),
            "remote": "",
            "is_tracked": False,
            "is_default": name == default,
        }
        for name, target in repository.view.bookmarks.items()
    ]
    for remote, seen in repository.view.remotes.items():
        if remote != GIT_REMOTE:
            rows += [
                {
                    **_target_columns(repository, ref.target),
                    "name": plain_text(name),
                    "remote": plain_text(remote),
                    "is_tracked": ref.is_tracked,
                    "is_default": False,
                }
                for name, ref in seen.bookmarks.items()
            ]
    return [{"repo_id": repo_id, **row} for row in rows]


def _target_columns(repository: JjRepository, target: RefTarget) -> dict[str, Any]:
    return {
        "target_commit_id": target.commit_id,
        "target_change_id": _change_of(repository, target.commit_id),
        "target_terms": list(target.terms),
        "is_conflicted": target.is_conflicted,
    }


def _change_of(repository: JjRepository, commit_id: CommitId | None) -> ChangeId | None:
    commit = repository.commits.find(commit_id) if commit_id is not None else None
    return commit.change_id if commit is not None else None
