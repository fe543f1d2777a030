"""Compares the repository root with the database, and plans the actions that make them agree.

It only reads: names and fingerprints of everything, and the contents of new or changed folders.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import reconcile
from wit_admin.db.queries.reconcile import KnownRepository
from wit_admin.git.repositories.many_summaries import Summaries
from wit_admin.git.repositories.summary_helper import Look
from wit_admin.git.repositories.unexpected import Unexpected, strange_config, unreadable
from wit_admin.git.repositories.walk import Found, walk
from wit_admin.services.plans import Remark
from wit_admin.services.sync.actions import (
    FinishDeletion,
    Move,
    Refresh,
    SyncAction,
    Tell,
    is_told,
)
from wit_admin.services.sync.adoption import Adoption
from wit_admin.services.sync.folders import Folder, RootFolder, differences
from wit_admin.services.sync.memory import Remembered
from wit_admin.services.sync.moves import find_moves

_ABSENT = b""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The options of a sync."""

    visibility: Visibility
    """The visibility of repositories whose config does not name one."""
    owner: str | None = None
    """The only owner's folder to read; ``None`` for all."""
    prune: bool = False
    """Mark rows without a folder as deleted."""
    max_prune_percent: float = 10.0
    """Refuse to prune a larger share of the rows: the disk is probably at fault then."""
    verify: bool = False
    """Read every repository, even if its fingerprint is unchanged."""
    accept_root: bool = False
    """Accept that the root is another volume than before."""
    part_size: int = 5_000
    """How many folders, and how many rows, are held in memory at the same time."""


@dataclass(slots=True)
class Part:
    """The plan for some of the folders; the last part also has the rows without a folder."""

    actions: list[SyncAction] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    seen: list[tuple[KnownRepository, bytes]] = field(default_factory=list)
    """New fingerprints of repositories that agree with their rows."""
    gone: list[KnownRepository] = field(default_factory=list)
    """Rows without a folder."""
    is_last: bool = False


@dataclass(slots=True)
class _Batch:
    """Some of the folders on the walk that are new or changed."""

    news: list[tuple[Found, bytes | None]] = field(default_factory=list)
    """Repositories, with their fingerprints in the database."""
    odd: list[Unexpected] = field(default_factory=list)
    is_last: bool = False


@dataclass(slots=True)
class Survey:
    """One comparison of disk and database."""

    sessions: sessionmaker[Session]
    root: Path
    options: SyncOptions
    found: int = 0
    """How many repositories the walk has found so far."""
    _started_ns: int = field(default_factory=time.time_ns)
    _disk: RootFolder = field(init=False)

    def __post_init__(self) -> None:
        self._disk = RootFolder(self.root)

    def parts(self) -> Iterator[Part]:
        """Yield the actions, for a bounded number of folders at a time.

        The caller must carry out each part before it takes the next. With ``prune`` there is only
        one part: a folder that is missing in one place may have been moved to another.

        Raises:
            OSError: The root cannot be read.
        """
        remembered = Remembered(self.sessions, self.options.owner, self.options.part_size)
        with Summaries() as summaries:
            batches = self._walk(remembered, summaries)
            batch = next(batches)
            while not batch.is_last:
                part = self._make_part(batch, summaries.take())
                # The actions of a part change rows, so the next rows are read after them.
                ahead = next(batches) if remembered.is_over else None
                summaries.hand_over()
                yield part
                batch = ahead or next(batches)
            looks = summaries.take()
        remembered.miss_rest()
        yield self._make_part(batch, looks, remembered.missed)

    def _walk(self, remembered: Remembered, summaries: Summaries) -> Iterator[_Batch]:
        """Yield new and changed folders in batches; the last one may be empty."""
        most = None if self.options.prune else self.options.part_size
        only, is_exact = self.options.owner, self.options.verify
        batch = _Batch()
        for owned in walk(self._disk.base, remembered, owner=only, is_exact=is_exact):
            self.found += len(owned.paths)
            for item in owned.news:
                if isinstance(item, Unexpected):
                    batch.odd.append(item)
                    continue
                batch.news.append((item, owned.known.get(item.path, _ABSENT)))
                summaries.add(self._disk.full(item.path))
                if len(batch.news) == most:
                    yield batch
                    batch = _Batch()
        batch.is_last = True
        yield batch

    def _make_part(self, batch: _Batch, looks: Sequence[Look], missed: Iterable[str] = ()) -> Part:
        """Plan for the folders of a batch, and for the rows that the walk missed."""
        part = Part(is_last=batch.is_last)
        for odd in batch.odd:
            self._tell(part, odd)
        new, changed = self._sort(part, batch.news, looks)
        lost = [path for path in missed if self._disk.is_gone(path)]
        self._plan(part, new, changed, lost)
        return part

    def _sort(
        self,
        part: Part,
        news: Sequence[tuple[Found, bytes | None]],
        looks: Sequence[Look],
    ) -> tuple[list[Folder], list[Folder]]:
        """Return the repositories whose paths have no row, and those that may have changed.

        ``news`` are the folders found, with their fingerprints in the database.
        """
        new: list[Folder] = []
        changed: list[Folder] = []
        for (found, before), seen in zip(news, looks, strict=True):
            if isinstance(seen, OSError):
                if os.path.lexists(self._disk.full(found.path)):  # else it was removed meanwhile
                    self._tell(part, unreadable(found.path, seen))
                continue
            odd = None if seen.has_config else strange_config(self._disk.base, found.path)
            if odd is not None:
                self._tell(part, odd)
                continue
            kept = found.fingerprint if found.is_settled(self._started_ns) else None
            folder = Folder.of(found, seen, kept, is_news=kept != before)
            (new if before == _ABSENT else changed).append(folder)
        return new, changed

    def _tell(self, part: Part, odd: Unexpected) -> None:
        part.remarks.append(Remark(odd.kind, odd.path, odd.sentence, odd.is_failure))
        if odd.is_failure:
            self._disk.unreadable.add(odd.path)

    def _plan(self, part: Part, new: list[Folder], changed: list[Folder], lost: list[str]) -> None:
        """Plan for these folders, and for the rows whose folders are missing."""
        told = {folder.own_id for folder in (*new, *changed) if folder.own_id}
        with self.sessions() as session:
            paths = [*(folder.path for folder in changed), *lost]
            rows = {row.disk_path: row for row in reconcile.list_at(session, paths)}
            by_id = {row.id: row for row in reconcile.list_by_id(session, sorted(told))}
        at = {folder.path: rows[folder.path] for folder in changed if folder.path in rows}
        moves = find_moves(self._disk, (*new, *changed), by_id, at)
        part.remarks += moves.refused.values()
        arrivals = []
        for folder in (*new, *changed):
            row = at.get(folder.path)
            if move := moves.by_path.get(folder.path):
                if values := differences(self._disk, move.row, folder):
                    part.actions.append(Refresh(move.row, values, None))
            elif row is None or moves.is_left(row):
                arrivals.append(folder)
            elif folder.path not in moves.refused:
                self._compare(part, row, folder)
        adoption = Adoption(self.sessions, self._disk, self.options.visibility, self.options.verify)
        adoption.plan(arrivals, by_id, moves)
        if part.is_last and self.options.owner is None:
            adoption.plan_trashed()
        part.remarks += adoption.remarks
        part.actions += adoption.owners(moves.by_path.values())
        part.actions += [*moves.by_path.values(), *adoption.actions]
        spared = told | {action.row.id for action in adoption.actions if isinstance(action, Move)}
        self._sort_out(part, [rows[path] for path in lost if path in rows], spared)

    def _compare(self, part: Part, row: KnownRepository, folder: Folder) -> None:
        """Plan the action that makes a row and its folder agree."""
        values = differences(self._disk, row, folder)
        row_then = row._replace(description=values.get("description", row.description))
        is_marked = is_told(folder.seen.own, row_then)
        if values:
            part.actions.append(Refresh(row, values, folder.fingerprint if is_marked else None))
        if not is_marked:
            part.actions.append(Tell(row_then, folder.fingerprint))
        elif not values and folder.is_news and folder.fingerprint is not None:
            part.seen.append((row, folder.fingerprint))

    def _sort_out(
        self, part: Part, lost: Iterable[KnownRepository], spared: set[uuid.UUID]
    ) -> None:
        """Plan for rows whose folders are not at their paths."""
        for row in lost:
            if row.id in spared:
                continue
            if self._disk.has_in_trash(row.id):
                part.actions.append(FinishDeletion(row))
            elif self._disk.is_vacant(row.disk_path):
                part.gone.append(row)
            else:
                sentence = "What stands in its place is no whole repository."
                part.remarks.append(Remark("missing", row.disk_path, sentence, is_failure=True))
