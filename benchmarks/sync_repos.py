"""``sync-repos`` beside the naive way, and beside a bare look at the names; on both databases.

Run it from the root of the repository: python -m benchmarks.sync_repos [N] [--rounds R]

The naive way walks through all folders, and asks and inserts once for each repository, by the ORM,
as the first design had it. It neither reads what repositories say of themselves nor marks them.
Each step is a process of its own, so that its peak of memory is known; what it needs to start is
not in its time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.postgres import run_postgres
from wit_admin.__main__ import collect_garbage_seldom
from wit_admin.cli._output import Output
from wit_admin.cli._plans import Consent, run_task
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.accounts import OwnerType, User
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.services.sync.repo_sync import RepoSync
from wit_admin.services.sync.survey import SyncOptions

_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_OWNED = 20
_SETTLED_S = 2.5
_MB = 1024


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repositories", metavar="N", type=int, nargs="?", default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="where the repositories are made")
    parser.add_argument("--without-naive", action="store_true", help="for large N: it takes long")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _run_step(*options.step)
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch, ExitStack() as stack:
        root = Path(scratch) / "repos"
        _make_tree(root, options.repositories)
        databases: dict[str, SqliteDatabases | PostgresDatabases] = {
            "SQLite": SqliteDatabases(_made(Path(scratch) / "databases")),
            "PostgreSQL": PostgresDatabases(stack.enter_context(run_postgres()), "benchmark"),
        }
        time.sleep(_SETTLED_S)
        print(f"{options.repositories} repositories, {options.rounds} rounds, medians")
        for engine, kind in databases.items():
            rounds = [
                _measure(kind, root, with_naive=not options.without_naive)
                for _ in range(options.rounds)
            ]
            _report(engine, rounds)


def _measure(
    kind: SqliteDatabases | PostgresDatabases, root: Path, *, with_naive: bool
) -> dict[str, dict[str, float]]:
    found = {}
    if with_naive:
        with kind.create() as url:
            found["naive"] = _step("naive", url, root)
    _strip(root)
    with kind.create() as url:
        found["first"] = _step("sync", url, root)
        found["unchanged"] = _step("sync", url, root)
        found["scandir"] = _step("scandir", url, root)
    return found


def _report(engine: str, rounds: list[dict[str, dict[str, float]]]) -> None:
    for step in rounds[0]:
        wall, cpu, peak = (
            statistics.median(measured[step][value] for measured in rounds)
            for value in ("wall", "cpu", "peak_mb")
        )
        shown = f"{wall * 1000:9.1f} ms wall {cpu * 1000:9.1f} ms CPU {peak:5.0f} MB peak"
        print(f"{engine:11} {step:10} {shown}")
    if "naive" in rounds[0]:
        _report_ratio(engine, rounds, "naive", "first", "as fast as the naive way (goal >= 15)")
    _report_ratio(engine, rounds, "unchanged", "scandir", "bare walks (goal <= 12)")


def _report_ratio(
    engine: str, rounds: list[dict[str, dict[str, float]]], more: str, less: str, meaning: str
) -> None:
    wall, cpu = (
        statistics.median(measured[more][kind] / measured[less][kind] for measured in rounds)
        for kind in ("wall", "cpu")
    )
    name = "first" if more == "naive" else more
    print(f"{engine:11} {name:10} {wall:.1f} (wall), {cpu:.1f} (CPU) x {meaning}")


def _step(name: str, url: str, root: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sync_repos", "--step", name, url, str(root)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run_step(name: str, url: str, root: str) -> None:
    # As every command does.
    collect_garbage_seldom()
    engine = open_engine(url)
    sessions = make_sessions(engine)
    with sessions() as session:
        session.scalars(select(Repository).limit(1)).all()
    steps = {"naive": _naive, "sync": _sync, "scandir": _scandir}
    started, cpu = time.perf_counter(), _cpu_seconds()
    steps[name](sessions, Path(root))
    wall, cpu = time.perf_counter() - started, _cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": peak}))


def _cpu_seconds() -> float:
    """Return what this process used, and those that it started and that have ended."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def _sync(sessions: sessionmaker[Session], root: Path) -> None:
    task = RepoSync(sessions, root, SyncOptions(Visibility.PRIVATE)).task(root.parent / "run")
    run_task(Output(as_json=True, quiet=True), task, Consent(), question="")


def _scandir(_: sessionmaker[Session], root: Path) -> None:
    with os.scandir(root) as owners:
        for owner in owners:
            if owner.is_dir(follow_symlinks=False):
                with os.scandir(owner.path) as entries:
                    for entry in entries:
                        entry.is_dir(follow_symlinks=False)


def _naive(sessions: sessionmaker[Session], root: Path) -> None:
    for owner, name, path in _list_repositories(root):
        with sessions.begin() as session:
            if session.scalars(select(Repository).where(Repository.disk_path == path)).first():
                continue
            user = session.scalars(select(User).where(User.name == owner)).first()
            if user is None:
                user = User(name=owner, is_placeholder=True)
                session.add(user)
                session.flush()
            session.add(
                Repository(
                    owner_id=user.id,
                    owner_type=OwnerType.USER,
                    name=name,
                    disk_path=path,
                    default_branch="main",
                    visibility=Visibility.PUBLIC,
                )
            )


def _list_repositories(root: Path) -> Iterator[tuple[str, str, str]]:
    for folder, inner, files in os.walk(root):
        if "HEAD" in files and "objects" in inner:
            path = Path(folder).relative_to(root)
            yield path.parts[0], path.name.removesuffix(".git"), path.as_posix()


def _make_tree(root: Path, count: int) -> None:
    """Make bare repositories with a branch each, half of them packed."""
    for number in range(count):
        folder = f"{root}/owner{number // _OWNED:06d}/repository{number:07d}.git"
        for inner in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
            os.makedirs(f"{folder}/{inner}")  # noqa: PTH103  half a million of them
        _write(f"{folder}/HEAD", b"ref: refs/heads/main\n")
        _write(f"{folder}/config", _CONFIG)
        _write(f"{folder}/objects/pack/pack-{number:040x}.pack", b"x" * 100)
        oid = b"%040x" % number
        if number % 2:
            _write(f"{folder}/refs/heads/main", oid + b"\n")
        else:
            _write(f"{folder}/packed-refs", b"# pack-refs with: peeled\n%b refs/heads/main\n" % oid)


def _strip(root: Path) -> None:
    """Take away what an earlier run wrote, without touching the times of folders."""
    (root / ".wit-root").unlink(missing_ok=True)
    for config in root.glob("*/*/config"):
        _write(str(config), _CONFIG)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(data)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
