"""Asks the database which repositories there are, and which of them this process may watch."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.data_version import Version, watch_changes
from wit_admin.db.queries import watching
from wit_admin.db.queries.watching import Place
from wit_admin.services.watcher.claims import Claims, engine_of, shard_of
from wit_admin.services.watcher.lease import now_s

_ALL_EVERY_S = 300.0
_MARGIN = timedelta(seconds=15)
"""How far before the last answer the next question reaches back. A transaction may commit some
time after the moment that its rows carry, and hosts' clocks differ. Rows missed in spite of this
are found by the next question for all rows."""


class KnownRepository(NamedTuple):
    """What a watcher needs to know of a repository."""

    id: uuid.UUID
    name: str
    """Owner and name."""
    disk_path: str
    is_wanted: bool
    """Whether it is not deleted, and not excluded."""
    heads: int = 0
    """The digest of the heads that were synced last, see :func:`digest_of`."""
    failures: int = 0


@dataclass(frozen=True, slots=True)
class InventoryUpdate:
    """The database's answer."""

    shards: frozenset[int]
    """The shards that this process may watch until the next answer."""
    repositories: list[KnownRepository]
    """The repositories of these shards that may have changed."""
    is_all: bool
    """These are all repositories of the shards, not only the changed ones."""
    unwatched: frozenset[uuid.UUID]
    term: int
    """See :attr:`Claims.term`."""
    asked_s: float
    """The time of the question, by the clock of the lease."""


def digest_of(heads: Iterable[str]) -> int:
    """Return a number that identifies these heads in this process; 0 for none."""
    names = tuple(heads)
    return hash(names) if names else 0


class Inventory:
    """Asks for changes since the last question. Only one thread may use it at a time."""

    def __init__(self, sessions: sessionmaker[Session], claims: Claims) -> None:
        self._sessions = sessions
        self._claims = claims
        self._shards: frozenset[int] = frozenset()
        self._unwatched: frozenset[uuid.UUID] = frozenset()
        self._asked_at: datetime | None = None
        self._all_at = 0.0
        self._versions = watch_changes(engine_of(sessions))
        self._version: Version | None = None

    @property
    def lease_s(self) -> float:
        """How long the shards stay ours after an answer, see :attr:`Claims.lease_s`."""
        return self._claims.lease_s

    def ask(self, busy: Collection[int]) -> InventoryUpdate:
        """Return what has changed; ``busy`` are the shards in which syncs are under way.

        Raises:
            UnavailableError: The database is gone; this process may watch nothing.
        """
        asked_s = now_s()
        shards, asked_at = self._claims.settle(busy), utc_now()
        term = self._claims.term
        version = self._versions.read() if self._versions else None
        # The clock was set back: the time of the last question is of no use, so ask for all.
        is_set_back = self._asked_at is not None and asked_at < self._asked_at
        is_all = bool(shards - self._shards) or time.monotonic() >= self._all_at or is_set_back
        if not is_all and version is not None and version == self._version:
            return InventoryUpdate(shards, [], is_all, self._unwatched, term, asked_s)
        with self._sessions() as session:
            unwatched = watching.list_unwatched(session)
            places = self._places(session, unwatched, is_all=is_all)
            repositories = [_known_of(place) for place in places if shard_of(place.id) in shards]
        self._shards, self._unwatched = shards, unwatched
        self._asked_at, self._version = asked_at, version
        if is_all:
            self._all_at = time.monotonic() + _ALL_EVERY_S
        return InventoryUpdate(shards, repositories, is_all, unwatched, term, asked_s)

    def close(self) -> None:
        """Release all shards, for other processes."""
        self._claims.close()
        if self._versions is not None:
            self._versions.close()

    def _places(
        self, session: Session, unwatched: frozenset[uuid.UUID], *, is_all: bool
    ) -> Iterable[Place]:
        if is_all or self._asked_at is None:
            return watching.iter_places(session)
        places = watching.list_places_since(session, self._asked_at - _MARGIN)
        if back := self._unwatched - unwatched:
            places += watching.list_places(session, sorted(back))
        return places


def _known_of(place: Place) -> KnownRepository:
    return KnownRepository(
        place.id,
        f"{place.owner}/{place.name}",
        place.disk_path,
        is_wanted=place.is_live and place.is_watched is not False,
        heads=digest_of(place.op_heads or ()),
        failures=place.failures or 0,
    )
