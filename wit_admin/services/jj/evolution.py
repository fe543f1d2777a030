"""Lists the history of one change: its commits over time, and which replaced which.

The rows hold only the commits of the present view. Replaced commits are only in jj's own stores, on
the volume that every server shares, so those are read. If they cannot be read, the answer has only
what was synced.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import jj_changes, jj_operations, jj_state, pushed_changes
from wit_admin.db.queries.jj_changes import ChangeRow, CommitRow
from wit_admin.errors import DamagedJjError, JjError, NoJjRepositoryError
from wit_admin.git.repositories.storage import resolve
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.evolution import Version, iter_older_versions, iter_versions
from wit_admin.jj.ids import ChangeId, CommitId, OperationId
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.services.jj.lookups import resolve_change
from wit_admin.services.jj.pushed_changes import PushedHistory
from wit_admin.services.jj.rows import plain_text

MAX_OPERATIONS = 20_000
"""The history of a change is followed back over at most this number of operations."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Form:
    """One commit of the change, or one of another change that it replaced."""

    commit_id: CommitId
    change_id: ChangeId | None
    """``None``, like the other fields of the commit, if Git no longer has it."""
    predecessors: tuple[CommitId, ...]
    is_visible: bool
    operation_id: OperationId | None = None
    """The operation that made it; ``None`` if jj did not record that (before jj 0.30)."""
    operation: str | None = None
    """The operation's description, if it was synced."""
    made_at: datetime | None = None
    """When the operation ended."""
    description: str | None = None
    author_name: str | None = None
    author_email: str | None = None
    committed_at: datetime | None = None
    has_conflict: bool | None = None


@dataclass(frozen=True, slots=True)
class Evolution:
    """The forms of a change, the newest first."""

    change_id: ChangeId
    forms: tuple[Form, ...]
    gap: str | None
    """Why older forms may be missing, as a sentence; ``None`` if none are."""


def read_evolution(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, change: str, *, root: Path, limit: int
) -> Evolution:
    """Return the forms of the change whose id begins with ``change``.

    It reads nothing outside of ``root``, and has no transaction open while it reads the disk.

    Raises:
        NotFoundError: There is no such change, or nothing was ever synced.
        InvalidInputError: Several ids begin so.
    """
    with sessions() as session:
        change_id = resolve_change(session, repo_id, change)
        known = jj_changes.list_commits_of(session, repo_id, [change_id])[change_id]
        speaker = jj_changes.find_change(session, repo_id, change_id)
        state = jj_state.find_state(session, repo_id)
        pushed = pushed_changes.find(session, repo_id)
    gap: str | None = None
    try:
        if pushed is None and state is not None:
            forms = read_repository(
                Path(state.path), lambda found: _read(found, known, limit + 1), root=root
            )
        else:
            forms = _read_pushed(root, pushed.disk_path if pushed is not None else "", known)
            gap = "Only pushes told of it, and they do not say which commit replaced which."
    except DamagedJjError:
        forms = [_as_synced(row, speaker) for row in known]
        gap = "What jj wrote down is torn or has no end, so only what was synced is told."
    except JjError:
        forms = [_as_synced(row, speaker) for row in known]
        gap = "The repository cannot be read now, so only what was synced is told."
    if len(forms) > limit:
        gap = f"There are more than {limit}."
    with sessions() as session:
        return Evolution(change_id, _with_operations(session, repo_id, forms[:limit]), gap)


def _read(repository: JjRepository, known: Sequence[CommitRow], most: int) -> list[Form]:
    visible = {row.commit_id for row in known if row.is_visible}
    starts = sorted(visible) or [row.commit_id for row in known]
    # Visible commits come first, and of several the newest, as jj shows them.
    starts.sort(key=lambda key: _committed_ms(repository, key), reverse=True)
    versions = itertools.chain(_iter_all(repository, starts), _bare(known))
    distinct: dict[CommitId, Version] = {}
    for version in itertools.islice(versions, 2 * most):
        distinct.setdefault(version.commit_id, version)
    return [
        _form(repository.commits, version, is_visible=version.commit_id in visible)
        for version in itertools.islice(distinct.values(), most)
    ]


def _read_pushed(root: Path, disk_path: str, known: Sequence[CommitRow]) -> list[Form]:
    """Return the pushed commits: the visible ones first, and the latest first."""
    place = resolve(root, disk_path)
    if place is None:
        raise NoJjRepositoryError("The repository is not on disk.")
    commits = PushedHistory.open(place.gitdir, root).commits
    forms = [_form(commits, Version(row.commit_id, None, ()), row.is_visible) for row in known]
    return sorted(
        forms, key=lambda form: (form.is_visible, form.committed_at or _NEVER), reverse=True
    )


def _iter_all(repository: JjRepository, starts: Iterable[CommitId]) -> Iterator[Version]:
    operations = itertools.islice(repository.iter_operations(), MAX_OPERATIONS)
    for version in iter_versions(starts, operations):
        if version.operation_id is not None:
            yield version
            continue
        # Before this there is only what jj stored with each commit.
        for commit_id in iter_older_versions(repository.commits, version.commit_id):
            yield Version(commit_id, None, repository.commits.read(commit_id).predecessors)


def _bare(known: Iterable[CommitRow]) -> Iterator[Version]:
    return (Version(row.commit_id, None, ()) for row in known)


def _committed_ms(repository: JjRepository, commit_id: CommitId) -> int:
    commit = repository.commits.find(commit_id)
    return 0 if commit is None else commit.committer.time.ms


def _form(commits: CommitStore, version: Version, is_visible: bool) -> Form:  # noqa: FBT001  as rows have it
    commit = commits.find(version.commit_id)
    bare = Form(version.commit_id, None, version.predecessors, is_visible, version.operation_id)
    if commit is None:
        return bare
    return replace(
        bare,
        change_id=commit.change_id,
        description=plain_text(commit.description),
        author_name=plain_text(commit.author.name),
        author_email=plain_text(commit.author.email),
        committed_at=commit.committer.time.to_datetime(),
        has_conflict=commit.has_conflict,
    )


def _as_synced(row: CommitRow, speaker: ChangeRow | None) -> Form:
    """Return a form from the rows; only the commit that describes the change has all fields."""
    bare = Form(row.commit_id, row.change_id, (), row.is_visible)
    if speaker is None or speaker.commit_id != row.commit_id:
        return bare
    return replace(
        bare,
        description=speaker.description,
        author_name=speaker.author_name,
        author_email=speaker.author_email,
        committed_at=speaker.committed_at,
        has_conflict=speaker.has_conflicts,
    )


def _with_operations(
    session: Session, repo_id: uuid.UUID, forms: Sequence[Form]
) -> tuple[Form, ...]:
    ids = sorted({form.operation_id for form in forms if form.operation_id is not None})
    found_rows = jj_operations.list_operations_by_id(session, repo_id, ids)
    rows = {row.operation_id: row for row in found_rows}
    found = ((form, rows.get(form.operation_id or "")) for form in forms)
    return tuple(
        form if row is None else replace(form, operation=row.description, made_at=row.ended_at)
        for form, row in found
    )
