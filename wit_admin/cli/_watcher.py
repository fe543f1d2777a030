"""Runs a watcher until a signal stops it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wit_admin.services.watcher.service import Watcher
    from wit_admin.web.workers import WorkerContext


def run_alone(watcher: Watcher) -> None:
    """Watch until SIGTERM or SIGINT; running syncs are finished first."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watcher.stop())
    watcher.run()


def run_beside(watcher: Watcher, context: WorkerContext) -> None:
    """Watch as a child of the server, until the server sends SIGTERM or ends."""
    signal.signal(signal.SIGTERM, lambda *_: watcher.stop())
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # A sync that is cut off leaves the rows unchanged.
    signal.signal(signal.SIGQUIT, lambda *_: os._exit(0))
    watcher.run(lifeline=context.lifeline)
