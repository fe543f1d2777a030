"""What a view shows: visible commits, divergent changes, and what jj's defaults call immutable.

Source: jj's cli/src/config/revsets.toml; lib/src/default_index, is_divergent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.graph import find_ancestors
from wit_admin.jj.ids import ChangeId, CommitId, root_commit_id
from wit_admin.jj.views import GIT_REMOTE, View

TRUNK_NAMES = ("main", "master", "trunk")
TRUNK_REMOTES = ("origin", "upstream")


def iter_visible(commits: CommitStore, view: View) -> Iterator[Commit]:
    """Yield the visible commits, newest committer time first, the root commit last.

    Raises:
        MissingJjError: One is not there.
        DamagedJjError: One is malformed.
    """
    return commits.walk(view.head_ids)


def find_divergent(visible: Iterable[Commit]) -> set[ChangeId]:
    """Return the change ids that two or more of these commits have."""
    counts = Counter(commit.change_id for commit in visible)
    return {change_id for change_id, count in counts.items() if count > 1}


def immutable_heads(commits: CommitStore, view: View) -> set[CommitId]:
    """Return the heads of what is immutable by jj's default settings.

    Users can set it otherwise, out of a reader's sight. These are the trunk, tags, and bookmarks of
    remotes that are not tracked; some may be hidden or gone.
    """
    heads = {id_ for tag in view.tags.values() for id_ in tag.added_ids}
    for remote, seen in view.remotes.items():
        if remote != GIT_REMOTE:
            refs = seen.bookmarks.values()
            heads.update(id_ for ref in refs if not ref.is_tracked for id_ in ref.target.added_ids)
    return heads | {find_trunk(commits, view)}


def find_trunk(commits: CommitStore, view: View) -> CommitId:
    """Return the trunk by jj's default settings; the root commit where there is none."""
    candidates = [
        commit
        for remote in TRUNK_REMOTES
        for name in TRUNK_NAMES
        for commit in _targets(commits, view, remote, name)
    ]
    if not candidates:
        return root_commit_id(commits.id_bytes)
    latest = max(commit.committer.time.ms for commit in candidates)
    ids = [commit.id for commit in candidates if commit.committer.time.ms == latest]
    # Of one second the later one: a script may make many commits in it.
    behind = find_ancestors(set(ids), commits.read_node)
    return next(commit_id for commit_id in ids if commit_id not in behind)


def _targets(commits: CommitStore, view: View, remote: str, name: str) -> Iterator[Commit]:
    seen = view.remotes.get(remote)
    ref = seen.bookmarks.get(name) if seen is not None else None
    for commit_id in ref.target.added_ids if ref is not None else ():
        commit = commits.find(commit_id)
        if commit is not None:
            yield commit
