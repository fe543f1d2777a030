"""The clients: each method makes ready one kind of work, yields it to be timed, and clears up."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.git_client import CommandLine, run_all_at_once, run_git
from benchmarks.serving.measure import Operation, Prepare
from benchmarks.serving.peers import Peer
from benchmarks.serving.repositories import copy_repository

NEW_COMMITS = 5
"""An incremental fetch brings these."""


@dataclass(slots=True)
class Clients:
    """The clients' side of both servers."""

    scratch: Path
    """Where their copies are made."""
    template_of: Callable[[str], Path]
    """Finds what both servers started with."""
    _made: Iterator[int] = field(default_factory=itertools.count)

    @contextlib.contextmanager
    def ls_remote(
        self, peer: Peer, repository: str, *, times: int = 1, crowd: int = 1
    ) -> Iterator[Operation]:
        """List refs, ``crowd`` clients at once."""
        line = ["ls-remote", "--quiet", peer.url(repository)]
        yield lambda: _repeat([[line] * crowd] * times)

    @contextlib.contextmanager
    def clone(
        self,
        peer: Peer,
        repository: str,
        *,
        times: int = 1,
        crowd: int = 1,
        options: tuple[str, ...] = (),
    ) -> Iterator[Operation]:
        """Clone with checkout, ``crowd`` clients at once."""
        with self._folder() as folder:
            line = ["clone", "--quiet", *options, peer.url(repository)]
            targets = [[folder / f"{turn}-{n}" for n in range(crowd)] for turn in range(times)]
            yield lambda: _repeat([[[*line, target] for target in turn] for turn in targets])

    @contextlib.contextmanager
    def fetch_nothing(self, peer: Peer, repository: str, *, times: int) -> Iterator[Operation]:
        """Fetch all refs into a copy that has them."""
        with self._folder() as folder:
            copy_repository(self.template_of(repository), folder / "copy")
            line = ["-C", str(folder / "copy"), "fetch", "--quiet", peer.url(repository)]
            yield lambda: _repeat([[[*line, "+refs/*:refs/*"]]] * times)

    @contextlib.contextmanager
    def fetch_new(self, peer: Peer, repository: str, *, times: int) -> Iterator[Operation]:
        """Fetch the last commits into a copy that lacks them."""
        known = self._without_last_commits(repository)
        with self._folder() as folder:
            copies = [folder / str(turn) for turn in range(times)]
            for copy in copies:
                copy_repository(known, copy)
            options = ["fetch", "--quiet", "--no-tags", peer.url(repository)]
            lines = [["-C", str(copy), *options, "+HEAD:refs/heads/known"] for copy in copies]
            yield lambda: _repeat([[line] for line in lines])

    @contextlib.contextmanager
    def push(self, peer: Peer, repository: str, *, times: int) -> Iterator[Operation]:
        """Push one new commit after the other to ``main``."""
        copy = self.scratch / f"pusher-{peer.name}-{repository}.git"
        if not copy.exists():
            copy_repository(self.template_of(repository), copy)
        commits = make_commits(copy, times, seed=next(self._made))
        line = ["-C", str(copy), "push", "--quiet", peer.url(repository)]
        turns = [[[*line, f"{commit}:refs/heads/main"]] for commit in commits]
        yield lambda: _repeat(turns, peer)

    def first(self, prepare: Prepare) -> Prepare:
        """Return the same work on a repository that has just changed: nothing may be remembered."""

        @contextlib.contextmanager
        def prepare_changed(peer: Peer, repository: str) -> Iterator[Operation]:
            self._move_a_ref(peer.gitdir(repository))
            with prepare(peer, repository) as operate:
                yield operate

        return prepare_changed

    def _move_a_ref(self, gitdir: Path) -> None:
        message = f"change {next(self._made)}"
        commit = run_git("-C", gitdir, "commit-tree", "-m", message, "HEAD^{tree}")
        run_git("-C", gitdir, "update-ref", "refs/heads/moved", commit)

    def _without_last_commits(self, repository: str) -> Path:
        known = self.scratch / f"known-{repository}.git"
        if not known.exists():
            run_git("init", "--quiet", "--bare", known)
            refs = f"HEAD~{NEW_COMMITS}:refs/heads/known"
            run_git("-C", self.template_of(repository), "push", "--quiet", known, refs)
        return known

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self.scratch / f"work-{next(self._made)}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def _repeat(turns: Sequence[Sequence[CommandLine]], peer: Peer | None = None) -> int:
    for lines in turns:
        run_all_at_once(lines, peer.settings if peer else ())
    return len(turns)


def make_commits(copy: Path, count: int, *, seed: int) -> list[str]:
    """Add commits to ``main`` of a client's copy; return them in the order to push."""
    before = run_git("-C", copy, "rev-parse", "refs/heads/main")
    stream = []
    for number in range(count):
        text = f"change {seed} {number}\n"
        start = f"from {before}\n" if number == 0 else ""
        stream.append(
            "commit refs/heads/main\ncommitter Ann Author <ann@example.org> 1800000000 +0000\n"
            f"data {len(text)}\n{text}{start}"
            f"M 100644 inline module_00/pushed.txt\ndata {len(text)}\n{text}\n"
        )
    run_git("-C", copy, "fast-import", "--quiet", stdin="".join(stream).encode())
    return run_git("-C", copy, "rev-list", "--reverse", f"{before}..refs/heads/main").split()
