"""Periodic clean-up: expired rows, counters, leftovers of killed processes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import counters, expiry
from wit_admin.git.children.processes import is_in_use
from wit_admin.git.repositories import own_config, sweep
from wit_admin.git.repositories.storage import CONDEMNED, STAGING
from wit_admin.git.repositories.sweep import ABANDONED_S
from wit_admin.git.repositories.walk import walk
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record


def purge_ended(
    sessions: sessionmaker[Session], *, older_than: timedelta, by: Origin = SYSTEM
) -> dict[str, int]:
    """Delete sessions and tokens that ended longer than ``older_than`` ago."""
    before = utc_now() - older_than
    return {
        "sessions": _purge(sessions, expiry.delete_ended_sessions, before, "session.purge", by),
        "tokens": _purge(sessions, expiry.delete_ended_tokens, before, "token.purge", by),
    }


def prune_journal(
    sessions: sessionmaker[Session], *, older_than: timedelta, by: Origin = SYSTEM
) -> int:
    """Delete old settled entries of the push journal; return how many were deleted.

    The activities keep the results of those pushes.
    """
    before = utc_now() - older_than
    return _purge(sessions, expiry.delete_settled_pushes, before, "journal.purge", by)


def recount(sessions: sessionmaker[Session], *, by: Origin = SYSTEM) -> int:
    """Correct cached counters; return how many were wrong."""
    with sessions.begin() as session:
        drift = counters.recount(session)
        if drift:
            told = {
                "counters": [
                    {"repository": found.repo_id, "counter": found.column, "was": found.cached}
                    for found in drift
                ]
            }
            record(session, Event("repository.recount", "repository", after=told), by=by)
    return len(drift)


def sweep_leftovers(root: Path) -> int:
    """Remove half-made and half-removed folders of killed processes; return how many.

    Only folders that are a day old, and that no process of this host uses.
    """
    removed = 0
    for folder in _leftovers(root):
        if time.time() - folder.lstat().st_mtime > ABANDONED_S and not is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def sweep_locks(root: Path) -> int:
    """Remove locks and half-received packs of killed processes; return how many.

    git's own files must be a day old, since another host may share the disk.
    """
    removed = 0
    for owned in walk(os.fspath(root)):
        for path in [root / place for place in owned.paths]:
            removed += own_config.clear_left(path)
            removed += len(sweep.sweep(path, (), min_age_s=ABANDONED_S))
    return removed


def _purge(
    sessions: sessionmaker[Session],
    delete_some: Callable[[Session, datetime], int],
    before: datetime,
    action: str,
    by: Origin,
) -> int:
    total = 0
    while True:
        with sessions.begin() as session:
            count = delete_some(session, before)
            if count:
                record(session, Event(action, after={"rows": count}), by=by)
        total += count
        if count < expiry.BATCH:
            return total


def _leftovers(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        return
    for owner in root.iterdir():
        if owner.is_dir() and not owner.is_symlink():
            for prefix in (STAGING, CONDEMNED):
                yield from owner.glob(f"{prefix}*")
