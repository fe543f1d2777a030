"""Caches read permissions, for requests in quick succession and for database outages."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from wit_admin.db.data_version import DataVersion, Version
from wit_admin.db.models.repositories import Visibility
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.own_config import read_own
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Credentials
from wit_admin.services.access.credentials import digest_secret
from wit_admin.services.access.known_public import KnownPublic
from wit_admin.services.access.targets import Served

_MAX_READS = 10_000
_FRESH_S = 0.2
"""How long a public repository is not looked up again. The requests of one clone come within that
time, and a client that began to read a moment ago would finish anyway."""
_UNCHANGED_S = 2.0
"""The same while the database is known to be unchanged. It is limited because credentials expire,
and folders may disappear, without a change in the database."""

_Key = tuple[tuple[str, str], bytes | None]


@dataclass(frozen=True, slots=True)
class Moment:
    """The time when the database was asked, and its version then."""

    at: float
    version: Version | None


@dataclass(frozen=True, slots=True)
class SharedReads:
    """The file of repositories that other processes served, and the repository root."""

    known: KnownPublic
    root: Path

    def find(self, name: RepoName) -> Served | None:
        """Return the repository on disk if its config still has the id and name that were served.

        A renamed repository is in another folder, and is not found.
        """
        repo_id = self.known.find(name)
        found = storage.find_on_disk(self.root, name.owner, name.name)
        if repo_id is None or found is None:
            return None
        own = read_own(found.gitdir)
        said = own.get("id"), own.get("owner"), own.get("name"), own.get("visibility")
        is_it = said == (str(repo_id), name.owner, name.name, Visibility.PUBLIC.value)
        return Served(name, found.gitdir, repo_id) if is_it else None


@dataclass(slots=True)
class _Known:
    """A cached permission to read."""

    served: Served
    asked: Moment
    true_at: float
    """The last time when the database was seen to be unchanged."""


class ReadCache:
    """The latest permissions to read. Several threads may use it; it holds no secrets."""

    def __init__(self, changes: DataVersion | None, shared: SharedReads | None = None) -> None:
        self._changes = changes
        self._shared = shared
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._lock = Lock()

    def moment(self) -> Moment:
        """Return the present moment; call it before the database is asked."""
        return Moment(time.monotonic(), self._changes.read() if self._changes else None)

    def add_public(self, served: Served, moment: Moment) -> None:
        """Remember a repository that anybody could read at that moment."""
        self._keep((served.name.key, None), replace(served, actor=None), moment)
        if self._shared is not None and served.repo_id is not None:
            self._shared.known.note(served.name, served.repo_id)

    def add(self, served: Served, moment: Moment, credentials: Credentials) -> None:
        """Remember that these credentials could read it, if changes would be noticed."""
        if moment.version is not None:
            self._keep((served.name.key, _digest(credentials)), served, moment)

    def find(self, name: RepoName, credentials: Credentials | None) -> Served | None:
        """Return a repository if the cache knows that it may be read. Never waits."""
        who = None if credentials is None else _digest(credentials)
        with self._lock:
            known = self._known.get((name.key, who))
        if known is None:
            return None
        now = time.monotonic()
        if credentials is None and now - known.true_at <= _FRESH_S:
            return known.served
        if not self._is_unchanged(known, now):
            return None
        known.true_at = now
        return known.served

    def _is_unchanged(self, known: _Known, now: float) -> bool:
        asked = known.asked
        if asked.version is None or self._changes is None or now - asked.at > _UNCHANGED_S:
            return False
        return self._changes.read() == asked.version and os.path.isdir(known.served.gitdir)  # noqa: PTH112  per request

    def find_public(self, name: RepoName) -> Served | None:
        """Return a repository that anybody could read when the database was last asked.

        It may have changed since, for example by another worker, so its config on disk is
        checked. If only another process has served it, the config alone decides.
        """
        with self._lock:
            known = self._known.get((name.key, None))
        if known:
            return known.served if _is_public_on_disk(known.served) else None
        return None if self._shared is None else self._shared.find(name)

    def discard_public(self, name: RepoName) -> None:
        """Forget a repository that is private or deleted."""
        with self._lock:
            self._known.pop((name.key, None), None)
        if self._shared is not None:
            self._shared.known.forget(name)

    def _keep(self, key: _Key, served: Served, moment: Moment) -> None:
        with self._lock:
            self._known[key] = _Known(served, moment, moment.at)
            self._known.move_to_end(key)
            while len(self._known) > _MAX_READS:
                self._known.popitem(last=False)


def _is_public_on_disk(served: Served) -> bool:
    if not os.path.isdir(served.gitdir):  # noqa: PTH112  that of pathlib raises
        return False
    own = read_own(served.gitdir)
    is_same = own.get("id") in {None, str(served.repo_id)}
    return is_same and own.get("visibility") in {None, Visibility.PUBLIC.value}


def _digest(credentials: Credentials) -> bytes:
    return digest_secret(repr((credentials.is_bearer, credentials.username, credentials.secret)))
