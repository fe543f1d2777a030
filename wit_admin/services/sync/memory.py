"""Reads the fingerprints in the database, part by part, while the disk is walked."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import reconcile
from wit_admin.db.statements import forget_pages

_SLASH, _AFTER_SLASH = "/", chr(ord("/") + 1)


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
    _paths: tuple[str, ...] = ()
    _prints: tuple[bytes | None, ...] = ()
    _at: int = 0
    """How many rows of the current part have been taken."""
    _last: str = ""
    _is_whole: bool = False

    @property
    def is_over(self) -> bool:
        """Whether all rows have been taken."""
        return self._is_whole and self._at == len(self._paths)

    def take(self, folder: str) -> dict[str, bytes | None]:
        """Return the fingerprints of an owner's folder by path. Folders must be taken in order."""
        self.missed += self._take_before(folder + _SLASH)
        return self._take_before(folder + _AFTER_SLASH)

    def miss_rest(self) -> None:
        """Count all remaining rows as missed, at the end of the walk."""
        self.missed += self._take_before(None)

    def _take_before(self, end: str | None) -> dict[str, bytes | None]:
        taken: dict[str, bytes | None] = {}
        while True:
            start, stop = self._at, len(self._paths)
            if end is not None:
                stop = bisect_left(self._paths, end, start)
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
        self._paths, self._prints = zip(*rows[: self.part_size], strict=True) if rows else ((), ())
        self._at = 0
        self._last = self._paths[-1] if rows else self._last
