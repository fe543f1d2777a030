"""What a watcher had begun is not committed once others may have taken over."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.watch_site import WatchSite
from wit_admin.errors import UnavailableError
from wit_admin.services.watcher import lease
from wit_admin.services.watcher.lease import Lease, guarded
from wit_admin.services.watcher.recorded_sync import JjReader, SyncReport, Target

LEASE_S = 15.0


class Clock:
    now_s = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lease, "now_s", lambda: clock.now_s)
    return clock


def sync_of(
    sessions: sessionmaker[Session], folder: Path
) -> tuple[WatchSite, Callable[[], SyncReport]]:
    """Return a site with a repository, and what reads that."""
    jj = WatchSite(sessions, folder / "repos")
    target = Target(jj.add_row(), "alice/demo", jj.add_workspace().workspace)
    return jj, partial(JjReader(guarded(sessions), jj.root).try_sync, target)


def test_what_is_ours_is_committed_and_again_after_it_was_renewed(
    sessions: sessionmaker[Session], tmp_path: Path, clock: Clock
) -> None:
    jj, sync = sync_of(sessions, tmp_path)
    held = Lease(LEASE_S)
    assert not held.may_begin()
    held.renew(1, clock.now_s)
    assert held.may_begin()
    task = held.hold(sync)
    clock.now_s += 60
    assert not held.may_begin()
    held.renew(1, clock.now_s)

    assert task().state == "synced"
    assert jj.operations() == ["first"]


@pytest.mark.parametrize("why", ["it took too long", "the connection was lost", "others had it"])
def test_what_may_be_others_is_not_committed(
    sessions: sessionmaker[Session], tmp_path: Path, clock: Clock, why: str
) -> None:
    jj, sync = sync_of(sessions, tmp_path)
    held = Lease(LEASE_S)
    held.renew(1, clock.now_s)
    task = held.hold(sync)
    if why == "it took too long":
        clock.now_s += LEASE_S
    elif why == "the connection was lost":
        held.lose()
    else:
        held.renew(2, clock.now_s)

    with pytest.raises(UnavailableError, match="taken over"):
        task()
    assert jj.operations() == []
    assert jj.states() == {}
    sync()
    assert jj.operations() == ["first"]


def test_one_host_alone_keeps_what_it_has(
    sessions: sessionmaker[Session], tmp_path: Path, clock: Clock
) -> None:
    jj, sync = sync_of(sessions, tmp_path)
    held = Lease(math.inf)
    held.renew(0, clock.now_s)
    task = held.hold(sync)
    clock.now_s += 3600

    task()

    assert jj.operations() == ["first"]
