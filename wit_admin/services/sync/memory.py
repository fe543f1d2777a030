"""Reads the fingerprints in the database, part by part, while the disk is walked."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import reconcile
from wit_admin.db.statements import forget_pages


@dataclass(slots=True)
class Remembered:
    """Fingerprints of the live rows, in the order in which the disk is walked.

    Memory holds at most one part of the rows, and the paths that were missed. No transaction stays
    open between parts, so rows inserted meanwhile at a path already passed are not seen.
    """

    sessions: sessionmaker[Session]
    owner: str | None
    """The only owner to read, in any letter case; ``None`` for all owners."""
    part_size: int = reconcile.CHUNK
    missed: list[str] = field(default_factory=list)
    """Disk paths of rows that the walk did not find."""
    _paths: list[str] = field(default_factory=list)
    _prints: list[bytes | None] = field(default_factory=list)
    _at: int = 0
    """How many rows of the current part have been taken."""
    _last: str = ""
    _is_whole: bool = False

    @property
    def is_over(self) -> bool:
        """Whether all rows have been taken."""
        return self._is_whole and self._at == len(self._paths)

    def are_next(self, paths: list[str], fingerprints: list[bytes]) -> bool:
        """Take the rows of these repositories if they are the next ones and as they were."""
        start, stop = self._at, self._at + len(paths)
        if self._paths[start:stop] != paths or self._prints[start:stop] != fingerprints:
            return False
        self._at = stop
        return True

    def pass_until(self, paths: list[str]) -> dict[str, bytes | None]:
        """Take all rows up to the last of these paths; those of other paths were missed."""
        taken = self._take_until(paths[-1])
        there = set(paths)
        self.missed += [path for path in taken if path not in there]
        return taken

    def miss_rest(self) -> None:
        """Count all remaining rows as missed, at the end of the walk."""
        self.missed += self._take_until(None)

    def _take_until(self, last: str | None) -> dict[str, bytes | None]:
        taken: dict[str, bytes | None] = {}
        while True:
            start, stop = self._at, len(self._paths)
            if last is not None:
                stop = bisect_right(self._paths, last, start)
            taken.update(zip(self._paths[start:stop], self._prints[start:stop], strict=True))
            self._at = stop
            if stop < len(self._paths) or self._is_whole:
                return taken
            self._load()

    def _load(self) -> None:
        with self.sessions() as session:
            rows = reconcile.list_fingerprints(
                session, after=self._last, folder=self.owner, limit=self.part_size + 1
            )
            forget_pages(session)
        # One row more than needed shows whether there are more.
        self._is_whole = len(rows) <= self.part_size
        part = rows[: self.part_size]
        self._paths, self._prints = [row[0] for row in part], [row[1] for row in part]
        self._at = 0
        self._last = self._paths[-1] if rows else self._last
