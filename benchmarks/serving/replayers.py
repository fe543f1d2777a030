"""Clients that replay requests: what a server can do when no git client shares its machine."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import requests
from benchmarks.serving.clients import NEW_COMMITS, make_commits
from benchmarks.serving.git_client import GitFailedError, run_git, run_git_for_bytes
from benchmarks.serving.measure import Operation
from benchmarks.serving.peers import Peer
from benchmarks.serving.replays import repeated, replay
from benchmarks.serving.repositories import copy_repository

_CONNECTIONS = 16
_PUSHES = 25


@dataclass(slots=True)
class Replayers:
    """Like the clients; each method makes ready one kind of work."""

    scratch: Path
    template_of: Callable[[str], Path]
    seconds: float
    _made: Iterator[int] = field(default_factory=itertools.count)

    @contextlib.contextmanager
    def read(
        self, peer: Peer, repository: str, make_request: Callable[[str, str], requests.Request]
    ) -> Iterator[Operation]:
        """Send one request, made from the newest and an older commit, on many connections."""
        names = ("HEAD", f"HEAD~{NEW_COMMITS}")
        new, old = run_git("-C", self.template_of(repository), "rev-parse", *names).split()
        line = make_request(new, old).to_bytes(peer, repository)
        yield lambda: replay(
            peer.address, [repeated(line, self.seconds) for _ in range(_CONNECTIONS)]
        )

    @contextlib.contextmanager
    def push(self, peer: Peer, *repositories: str) -> Iterator[Operation]:
        """Push commits one by one, on a connection for each repository; all are of one shape."""
        copy = self.scratch / f"pusher-{peer.name}.git"
        if not copy.exists():
            copy_repository(self.template_of(repositories[0]), copy)
        before = run_git("-C", copy, "rev-parse", "refs/heads/main")
        commits = make_commits(copy, _PUSHES, seed=next(self._made))
        pushes = [_make_push(copy, *pair) for pair in itertools.pairwise([before, *commits])]
        lines = [[push.to_bytes(peer, name) for push in pushes] for name in repositories]
        yield lambda: replay(peer.address, [iter(line) for line in lines])
        for name in repositories:
            # A refused push is answered with 200 as well.
            tip = run_git("-C", peer.gitdir(name), "rev-parse", "refs/heads/main")
            if tip != commits[-1]:
                raise GitFailedError(f"{peer.name} did not take the pushes to {name}.")


def _make_push(copy: Path, old: str, new: str) -> requests.Request:
    line = ("-C", copy, "pack-objects", "--quiet", "--revs", "--thin", "--stdout")
    return requests.push(old, new, run_git_for_bytes(*line, stdin=f"{new}\n^{old}\n".encode()))
