"""Converts a snapshot of a jj repository to rows; it reads only the snapshot."""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Protocol

from wit_admin.db.queries.jj_bookmarks import BookmarkValues
from wit_admin.db.queries.jj_changes import MAX_DESCRIPTION_CHARACTERS
from wit_admin.db.queries.jj_commits import ChangeValues, CommitValues
from wit_admin.errors import TooLargeJjError
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.effort import LEAVE_OUT
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.jj.operation_kinds import operation_type
from wit_admin.jj.operations import Operation
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.views import GIT_REMOTE, View
from wit_admin.services.jj.standing import Groups, Standing

MAX_CONFLICTED_PATHS = 10_000
"""The most conflicted paths stored for one commit; hostile trees may have any number."""

MAX_CONFLICTED_PATHS_TOGETHER = 300_000
"""The most in one sync: each takes a kilobyte, and thousands of commits may share a tree."""

MAX_KEY_BYTES = 1200
"""The longest name or path in a key: PostgreSQL's index entries hold at most 2704 bytes."""
_CREDENTIALS = re.compile(r"(://)[^/\s'@]+@")
"""It begins at ``://``, not at the scheme: then a long text would take quadratic time."""


class CommitFacts(Protocol):
    """Access to commits, of a jj repository or of a plain git repository."""

    @property
    def commits(self) -> CommitStore:
        """The store of commits."""

    def is_empty(self, commit: Commit) -> bool | None:
        """Return whether a commit changes nothing; ``None`` if that is unknown."""


def plain_text(text: str) -> str:
    """Return a text that both databases can store: PostgreSQL accepts no NUL."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def key_text(text: str) -> str:
    """Like :func:`plain_text`, for a name in a key: a digest replaces the end of a long name."""
    text = plain_text(text)
    content = text.encode()
    if len(content) <= MAX_KEY_BYTES:
        return text
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    start = content[: MAX_KEY_BYTES - 2 * len(digest)].decode(errors="ignore")
    return f"{start}\N{HORIZONTAL ELLIPSIS}{digest}"


def operation_row(repo_id: uuid.UUID, operation: Operation, *, is_undone: bool) -> dict[str, Any]:
    """Return the row of an operation, without credentials in URLs of its command line."""
    return {
        "repo_id": repo_id,
        "operation_id": operation.id,
        "parents": list(operation.parents),
        "view_id": operation.view_id,
        "operation_type": operation_type(operation),
        "description": _redact(operation.description)[:MAX_DESCRIPTION_CHARACTERS],
        "hostname": plain_text(operation.hostname),
        "username": plain_text(operation.username),
        "started_at": operation.start.to_utc(),
        "ended_at": operation.end.to_utc(),
        "is_snapshot": operation.is_snapshot,
        "is_undone": is_undone,
        "tags": {plain_text(key): _redact(value) for key, value in operation.attributes.items()},
    }


def _redact(text: str) -> str:
    return _CREDENTIALS.sub(r"\1***@", plain_text(text))


def commit_rows(standings: Mapping[CommitId, Standing]) -> list[CommitValues]:
    """Return the rows of commits, sorted."""
    return [
        CommitValues(
            commit_id,
            standing.change_id,
            standing.parents,
            standing.is_visible,
            standing.is_immutable,
            standing.is_working_copy,
            standing.children,
            standing.visible_children,
            standing.immutable_children,
        )
        for commit_id, standing in sorted(standings.items(), key=itemgetter(0))
    ]


def change_rows(repository: CommitFacts, groups: Groups) -> list[ChangeValues]:
    """Return the rows of changes, sorted."""
    spoken = [(_find_speaker(repository, carried), carried) for carried in groups.values()]
    # Oldest first: results for older merges are reused for younger ones.
    spoken.sort(key=lambda pair: pair[0].committer.time.ms)
    rows = [_change_row(repository, commit, carried) for commit, carried in spoken]
    rows.sort(key=itemgetter(0))
    return rows


def _find_speaker(repository: CommitFacts, carried: Mapping[CommitId, Standing]) -> Commit:
    """Return the commit that describes its change: the newest visible one, or the newest."""
    if len(carried) == 1:
        return repository.commits.read(next(iter(carried)))
    return max(
        map(repository.commits.read, carried),
        key=lambda each: (carried[each.id].is_visible, each.committer.time.ms, each.id),
    )


def _change_row(
    repository: CommitFacts, commit: Commit, carried: Mapping[CommitId, Standing]
) -> ChangeValues:
    visible = [standing.is_visible for standing in carried.values()].count(True)
    author, committer = commit.author, commit.committer
    authored_at = author.time.to_utc()
    # Positional, in the order of the columns: keyword arguments would take twice the time.
    return ChangeValues(
        commit.change_id,
        commit.id,
        plain_text(commit.description),
        plain_text(author.name),
        plain_text(author.email),
        authored_at,
        authored_at if committer is author else committer.time.to_utc(),
        repository.is_empty(commit),
        commit.has_conflict,
        visible > 1,
        not visible,
        carried[commit.id].is_immutable,
    )


def conflicts(
    repository: JjRepository, groups: Groups
) -> dict[tuple[CommitId, str], tuple[ChangeId, int]]:
    """Return the change and number of sides of each conflicted path in these changes.

    Raises:
        TooLargeJjError: There are more than :data:`MAX_CONFLICTED_PATHS_TOGETHER`.
    """
    found: dict[tuple[CommitId, str], tuple[ChangeId, int]] = {}
    for change_id, carried in groups.items():
        for commit_id in carried:
            commit = repository.commits.read(commit_id)
            if not commit.has_conflict:
                continue
            for path, sides in _conflicted_paths(repository, commit).items():
                found[commit_id, path] = change_id, sides
            if len(found) > MAX_CONFLICTED_PATHS_TOGETHER:
                raise TooLargeJjError(
                    f"Its commits have more than {MAX_CONFLICTED_PATHS_TOGETHER} conflicted paths "
                    "together.",
                    hint=LEAVE_OUT,
                )
    return found


def _conflicted_paths(repository: JjRepository, commit: Commit) -> dict[str, int]:
    paths = itertools.islice(repository.iter_conflicted_paths(commit), MAX_CONFLICTED_PATHS)
    # Two names that are not UTF-8 must not become the same key.
    return {key_text(path.path.decode("utf-8", "backslashreplace")): path.sides for path in paths}


BookmarkKey = tuple[str, str]
"""Name and remote; the remote of a local bookmark is empty."""
_Bookmark = tuple[RefTarget, bool]
"""The target, and whether the bookmark is tracked."""


def bookmark_rows(
    repository: JjRepository, old_view: View | None
) -> tuple[list[BookmarkValues], frozenset[BookmarkKey] | None]:
    """Return rows of bookmarks, and the keys of the changed and deleted ones.

    With ``old_view`` these are the differences; without it all bookmarks, and ``None``.
    """
    bookmarks = _bookmarks(repository.view)
    keys = None
    if old_view is not None:
        # Comparing two dictionaries of thousands takes less time than making one row.
        old = _bookmarks(old_view)
        keys = frozenset(
            key for key in old.keys() | bookmarks.keys() if old.get(key) != bookmarks.get(key)
        )
    rows = [
        BookmarkValues(
            name=name,
            remote=remote,
            target_commit_id=target.commit_id,
            target_change_id=_change_of(repository, target.commit_id),
            target_terms=list(target.terms),
            is_conflicted=target.is_conflicted,
            is_tracked=is_tracked,
        )
        for (name, remote), (target, is_tracked) in bookmarks.items()
        if keys is None or (name, remote) in keys
    ]
    return rows, keys


def _bookmarks(view: View) -> dict[BookmarkKey, _Bookmark]:
    """Return all bookmarks, local and remote, without those of the remote ``git``."""
    found: dict[BookmarkKey, _Bookmark] = {
        (key_text(name), ""): (target, False) for name, target in view.bookmarks.items()
    }
    for remote, seen in view.remotes.items():
        # A remote without a name would look like a local bookmark; jj makes none.
        if remote not in (GIT_REMOTE, ""):
            found.update(
                ((key_text(name), key_text(remote)), (ref.target, ref.is_tracked))
                for name, ref in seen.bookmarks.items()
            )
    return found


def _change_of(repository: JjRepository, commit_id: CommitId | None) -> ChangeId | None:
    commit = repository.commits.find(commit_id) if commit_id is not None else None
    return commit.change_id if commit is not None else None
