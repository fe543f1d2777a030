"""Compare ``wit-admin serve`` with ``git http-backend`` behind nginx, side by side in one run.

Example: python -m benchmarks.serve_vs_nginx --rounds 9 --only 'clone-*'
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import functools
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from benchmarks.serving import nginx, report, repositories
from benchmarks.serving.clients import Clients
from benchmarks.serving.git_client import run_git
from benchmarks.serving.measure import Result, Workload, measure
from benchmarks.serving.peers import Peer
from benchmarks.serving.replayers import Replayers
from benchmarks.serving.wit import running_wit
from benchmarks.serving.workloads import all_workloads, shape_of

_WRONG_COMMAND_LINE = 2
_UNUSABLE = 3
_TERMINATED = 128 + signal.SIGTERM
_MEMORY_DISK = Path("/dev/shm")


def main() -> int:
    """Run what the command line asks for; 0, or 3 when nginx is missing."""
    options = _parse_arguments()
    # A plain kill must stop the servers too: it becomes an exception, as Ctrl-C is one.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(_TERMINATED))
    if not options.wit_alone and not nginx.is_installed():
        _say(f"nginx or fcgiwrap is missing: apt-get install -y {' '.join(nginx.PACKAGES)}")
        _say("Or measure one side only: --wit-alone.")
        return _UNUSABLE
    with contextlib.ExitStack() as stack:
        scratch = _folder(stack, options.scratch)
        template_of = functools.cache(functools.partial(_find_template, options, scratch))
        work_folder = _folder(stack, _client_parent(scratch))
        clients = Clients(work_folder, template_of)
        replayers = Replayers(work_folder, template_of, options.seconds)
        workloads = _choose(all_workloads(clients, replayers), options.only)
        served = {name: template_of(name) for work in workloads for name in work.repositories}
        peers = _start(stack, options, scratch, served)
        about = _describe(options, peers)
        if not options.json:
            print("\n".join(f"{key}: {value}" for key, value in about.items()), end="\n\n")
        results = _run(workloads, peers, options)
    if options.json:
        rows = [report.to_json(result) for result in results]
        print(json.dumps({"about": about, "workloads": rows}, indent=1))
    elif not options.wit_alone:
        print(f"\n{report.summary(results)}")
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serve_vs_nginx", description=(__doc__ or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--rounds", type=int, default=9, help="pairs of measurements; a third of it for long work")
    add("--only", nargs="+", metavar="NAME", help="workloads to run; clone-* takes several")
    add("--json", action="store_true", help="print one JSON object with all samples")
    add("--seconds", type=float, default=1.0, help="how long a replay lasts")
    add("--repository", type=Path, help="a real repository instead of the generated large one")
    add("--wit-source", type=Path, default=Path.cwd(), help="the worktree under test")
    add("--postgresql", metavar="URL", help="wit's database, empty or migrated; default is SQLite")
    add("--workers", type=int, default=1, help="of wit; nginx has as many as there are cores")
    add("--wit-alone", action="store_true", help="measure wit without nginx beside it")
    add("--scratch", type=Path, help="where the servers keep their repositories")
    cache = platformdirs.user_cache_path("wit-benchmarks")
    add("--cache", type=Path, default=cache, help="where generated repositories are kept")
    return parser.parse_args()


def _find_template(options: argparse.Namespace, scratch: Path, repository: str) -> Path:
    shape = shape_of(repository)
    if shape == "large" and options.repository:
        return repositories.mirror(options.repository.absolute(), scratch / "large.git")
    return repositories.generated(shape, options.cache, on_work=_say)


def _folder(stack: contextlib.ExitStack, parent: Path | None) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wit-bench-", dir=parent)))


def _client_parent(scratch: Path) -> Path:
    """Return where the clients write: in memory if possible, as their disk is not in question."""
    return _MEMORY_DISK if os.access(_MEMORY_DISK, os.W_OK) else scratch


def _choose(workloads: Sequence[Workload], patterns: Sequence[str] | None) -> list[Workload]:
    if patterns is None:
        return list(workloads)
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(work.name, pattern) for work in workloads):
            names = ", ".join(work.name for work in workloads)
            _say(f"There is no workload {pattern!r}. There are: {names}.")
            sys.exit(_WRONG_COMMAND_LINE)
    return [
        work
        for work in workloads
        if any(fnmatch.fnmatchcase(work.name, pattern) for pattern in patterns)
    ]


def _start(
    stack: contextlib.ExitStack,
    options: argparse.Namespace,
    scratch: Path,
    served: Mapping[str, Path],
) -> list[Peer]:
    peers = []
    if not options.wit_alone:
        peers.append(stack.enter_context(nginx.running_nginx(scratch / "nginx", served)))
    wit = running_wit(
        scratch / "wit",
        served,
        source=options.wit_source.absolute(),
        database_url=options.postgresql,
        workers=options.workers,
    )
    return [*peers, stack.enter_context(wit)]


def _run(
    workloads: Sequence[Workload], peers: Sequence[Peer], options: argparse.Namespace
) -> list[Result]:
    results = []
    if not options.json:
        print(report.heading())
    for workload in workloads:
        if sys.stderr.isatty():
            _say(f"{workload.name} …")
        result = measure(workload, peers, options.rounds)
        results.append(result)
        if not options.json:
            print(report.line(result), flush=True)
    return results


def _describe(options: argparse.Namespace, peers: Sequence[Peer]) -> dict[str, Any]:
    source = options.wit_source.absolute()
    dirty = " with changes" if run_git("-C", source, "status", "--porcelain") else ""
    about = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "wit": f"{source.name} {run_git('-C', source, 'log', '-1', '--format=%h %s')}{dirty}",
        "database": "PostgreSQL" if options.postgresql else "SQLite",
        "python": platform.python_version(),
        "git": run_git("version").removeprefix("git version "),
        "cores": f"{os.cpu_count()}; wit has {options.workers} of its workers",
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "git settings on both sides": (
            "transfer.fsckObjects=true core.fsync=committed,reference receive.autogc=false"
        ),
    }
    if any(peer.group is None for peer in peers):
        about["server CPU"] = "not measured: this user cannot make a control group (see README)"
    return about


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
