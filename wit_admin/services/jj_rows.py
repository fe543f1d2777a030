"""How a jj repository's facts become rows: pure, apart from reading the snapshot."""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Protocol

from wit_admin.db.queries.jj_bookmarks import BookmarkValues
from wit_admin.db.queries.jj_changes import MOST_DESCRIPTION
from wit_admin.db.queries.jj_commits import ChangeValues, CommitValues
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.ids import ChangeId, CommitId
from wit_admin.jj.operation_kinds import operation_type
from wit_admin.jj.operations import Operation
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.repository import JjRepository
from wit_admin.jj.views import GIT_REMOTE, View
from wit_admin.services.jj_standing import Groups, Standing

MAX_CONFLICTED_PATHS = 10_000
"""More paths of one commit are not kept; hostile trees have no end of them."""

MAX_KEY_BYTES = 1200
"""PostgreSQL's indexes hold 2704 bytes of a row, which is too little for some names and paths."""
_CREDENTIALS = re.compile(r"(://)[^/\s'@]+@")
"""Without the scheme, of which each letter of a long text might be the first."""


class CommitFacts(Protocol):
    """Commits and their properties: those of a jj repository, or of a plain git repository."""

    @property
    def commits(self) -> CommitStore:
        """The commits."""

    def is_empty(self, commit: Commit) -> bool | None:
        """Tell whether a commit changes nothing."""


def plain_text(text: str) -> str:
    """Return a text that both databases can keep: PostgreSQL has no NUL."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def key_text(text: str) -> str:
    """Return the same for a name that is part of a key: a digest takes the place of a long end."""
    text = plain_text(text)
    content = text.encode()
    if len(content) <= MAX_KEY_BYTES:
        return text
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    start = content[: MAX_KEY_BYTES - 2 * len(digest)].decode(errors="ignore")
    return f"{start}\N{HORIZONTAL ELLIPSIS}{digest}"


def operation_row(repo_id: uuid.UUID, operation: Operation, *, is_undone: bool) -> dict[str, Any]:
    """Return the row of an operation; credentials in URLs that were typed are left out."""
    return {
        "repo_id": repo_id,
        "operation_id": operation.id,
        "parents": list(operation.parents),
        "view_id": operation.view_id,
        "operation_type": operation_type(operation),
        "description": _redact(operation.description)[:MOST_DESCRIPTION],
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
    speakers = [_find_speaker(repository, carried) for carried in groups.values()]
    # What is known of older merges helps with the younger.
    speakers.sort(key=lambda commit: commit.committer.time.ms)
    rows = [_change_row(repository, commit, groups[commit.change_id]) for commit in speakers]
    rows.sort(key=itemgetter(0))
    return rows


def _find_speaker(repository: CommitFacts, carried: Mapping[CommitId, Standing]) -> Commit:
    """Return the commit that describes its change: the newest, of visible ones if there are any."""
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
    # In the order of the columns: to name a dozen takes as long again, for each of a whole history.
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
    """Return change and number of sides of each conflicted path in the commits of these changes."""
    return {
        (commit_id, path): (change_id, sides)
        for change_id, carried in groups.items()
        for commit_id in carried
        if (commit := repository.commits.read(commit_id)).has_conflict
        for path, sides in _conflicted_paths(repository, commit).items()
    }


def _conflicted_paths(repository: JjRepository, commit: Commit) -> dict[str, int]:
    paths = itertools.islice(repository.iter_conflicted_paths(commit), MAX_CONFLICTED_PATHS)
    # What is not UTF-8 must not fall together with another name.
    return {key_text(path.path.decode("utf-8", "backslashreplace")): path.sides for path in paths}


BookmarkKey = tuple[str, str]
"""Name and remote; local ones have none."""
_Bookmark = tuple[RefTarget, bool]
"""The target, and whether it is tracked."""


def bookmark_rows(
    repository: JjRepository, old_view: View | None
) -> tuple[list[BookmarkValues], frozenset[BookmarkKey] | None]:
    """Return the rows of bookmarks, and the keys of those that may have changed or gone.

    Against ``old_view`` that is what moved; without one, all, and no keys.
    """
    bookmarks = _bookmarks(repository.view)
    keys = None
    if old_view is not None:
        # Two dictionaries of thousands compare faster than one row is made.
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
    """Return all bookmarks, those of remotes too; Git's own mirror is left out."""
    found: dict[BookmarkKey, _Bookmark] = {
        (key_text(name), ""): (target, False) for name, target in view.bookmarks.items()
    }
    for remote, seen in view.remotes.items():
        # One without a name would pass for no remote; jj makes none.
        if remote not in (GIT_REMOTE, ""):
            found.update(
                ((key_text(name), key_text(remote)), (ref.target, ref.is_tracked))
                for name, ref in seen.bookmarks.items()
            )
    return found


def _change_of(repository: JjRepository, commit_id: CommitId | None) -> ChangeId | None:
    commit = repository.commits.find(commit_id) if commit_id is not None else None
    return commit.change_id if commit is not None else None
