"""Lists the commits that a commit replaced, as operations recorded them.

Source: jj's lib/src/evolution.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wit_admin.errors import DamagedJjError
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.ids import CommitId, OperationId
from wit_admin.jj.operations import Operation

MAX_WANTED = 1000
"""The most commits to follow at the same time; nobody squashes thousands into one."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a change."""

    commit_id: CommitId
    operation_id: OperationId | None
    """The operation that made it; ``None`` if none recorded it."""
    predecessors: tuple[CommitId, ...]


def iter_versions(
    commit_ids: Iterable[CommitId], operations: Iterable[Operation]
) -> Iterator[Version]:
    """Yield commits and the commits they replaced, newest first, each once.

    ``operations`` are the log, newest first, as :meth:`wit_admin.jj.op_store.OpStore.walk` yields
    it; only as many as needed are read. The list ends at the first operation that recorded nothing,
    which is one by jj before 0.30, or after ``op abandon``.

    Raises:
        DamagedJjError: More than :data:`MAX_WANTED` commits are to be followed at once.
    """
    wanted = list(commit_ids)
    for operation in operations:
        if operation.predecessors is None or not wanted:
            break
        if operation.predecessors.keys().isdisjoint(wanted):
            continue
        made, wanted = _follow(wanted, operation.predecessors)
        if len(wanted) > MAX_WANTED:
            raise DamagedJjError(f"A change has more than {MAX_WANTED} predecessors at once.")
        for version in made:
            yield Version(version, operation.id, operation.predecessors[version])
    for version in wanted:
        yield Version(version, None, ())


def _follow(
    wanted: list[CommitId], predecessors: Mapping[CommitId, tuple[CommitId, ...]]
) -> tuple[list[CommitId], list[CommitId]]:
    """Return the commits that one operation made, newest first, and the commits they replaced."""
    made: list[CommitId] = []
    left: list[CommitId] = []
    waiting = list(reversed(wanted))
    seen: set[CommitId] = set()
    while waiting:
        commit_id = waiting.pop()
        if commit_id in seen:
            continue
        seen.add(commit_id)
        replaced = predecessors.get(commit_id)
        if replaced is None:
            left.append(commit_id)
        else:
            made.append(commit_id)
            waiting.extend(reversed(replaced))
    return made, left


def iter_older_versions(commits: CommitStore, commit_id: CommitId) -> Iterator[CommitId]:
    """Yield a commit and the commits it replaced, by the extras of jj before 0.30.

    Commits that Git no longer has are skipped.
    """
    waiting, seen = [commit_id], {commit_id}
    while waiting:
        commit = commits.find(waiting.pop())
        if commit is None:
            continue
        yield commit.id
        new = [old for old in commit.predecessors if old not in seen]
        seen.update(new)
        waiting.extend(new)
