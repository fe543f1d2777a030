"""The repositories that are served: generated, the same on every machine, and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.git_client import run_git

_WORDS = (
    "branch",
    "change",
    "commit",
    "fetch",
    "index",
    "ledger",
    "line",
    "object",
    "reader",
    "record",
    "ref",
    "remote",
    "review",
    "row",
    "stage",
    "table",
    "token",
    "tree",
    "writer",
)
_EPOCH = 1_700_000_000
_LINE_WORDS = 9
_ASSETS_AT_ONCE = 40
_BRANCHES = 1 / 8
"""Of the refs; the others are tags."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a repository is made. Each commit rewrites one line of one file: four objects."""

    commits: int
    folders: int
    files_per_folder: int
    lines_per_file: int
    refs: int
    """Beside ``main``: tags and a few branches, spread evenly over the history."""
    assets: int = 0
    """Versions of files of chance bytes, which neither zlib nor deltas make smaller."""
    asset_bytes: int = 0


SHAPES = {
    "small": Shape(commits=12, folders=3, files_per_folder=2, lines_per_file=40, refs=1),
    "medium": Shape(commits=5_000, folders=20, files_per_folder=15, lines_per_file=60, refs=700),
    "large": Shape(
        commits=20_000,
        folders=60,
        files_per_folder=40,
        lines_per_file=80,
        refs=2_000,
        assets=400,
        asset_bytes=320 * 1024,
    ),
}


def generated(name: str, cache: Path, *, on_work: Callable[[str], None]) -> Path:
    """Return the bare repository of this shape, making it if the cache has none."""
    shape = SHAPES[name]
    digest = hashlib.sha256(f"2 {shape}".encode()).hexdigest()[:12]
    target = cache / f"{name}-{digest}.git"
    if target.exists():
        return target
    on_work(f"Making the {name} repository in {cache} …")
    cache.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    run_git("init", "--quiet", "--bare", "--initial-branch=main", staging)
    run_git("-C", staging, "fast-import", "--quiet", stdin=b"".join(_history(shape)))
    # Assets are above the threshold, so no time is lost on looking for deltas between them.
    threshold = [("core.bigFileThreshold", "256k")]
    run_git("-C", staging, "repack", "-q", "-a", "-d", "-f", "--no-write-bitmap-index",
            settings=threshold)  # fmt: skip
    run_git("-C", staging, "pack-refs", "--all")
    staging.rename(target)
    return target


def mirror(path: Path, target: Path) -> Path:
    """Return a bare copy of somebody's own repository, with all its refs in one file."""
    run_git("clone", "--quiet", "--mirror", path, target)
    run_git("-C", target, "pack-refs", "--all")
    return target


def install(template: Path, gitdir: Path) -> None:
    """Put the template's objects and refs into ``gitdir``, whose own config stays.

    Packs are linked, not copied: git never changes one, and so both servers read the same
    pages of the same files.
    """
    for part in ("objects", "refs"):
        shutil.rmtree(gitdir / part, ignore_errors=True)
        shutil.copytree(template / part, gitdir / part, copy_function=_link_or_copy)
    for name in ("HEAD", "packed-refs"):
        shutil.copyfile(template / name, gitdir / name)


def copy_repository(template: Path, target: Path) -> None:
    """Copy a whole repository cheaply: what never changes is linked."""
    shutil.copytree(template, target, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    if "/objects/" in source and not source.endswith(".lock"):
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


def _history(shape: Shape) -> Iterator[bytes]:
    chance = random.Random(1)
    files = [
        (
            f"module_{folder:02}/part_{file:02}.txt",
            [_line(chance) for _ in range(shape.lines_per_file)],
        )
        for folder in range(shape.folders)
        for file in range(shape.files_per_folder)
    ]
    asset_every = shape.commits // shape.assets if shape.assets else 0
    for number in range(shape.commits):
        yield _commit_head(number, _line(chance))
        if number == 0:
            for path, lines in files:
                yield _modify(path, "\n".join(lines).encode())
        path, lines = chance.choice(files)
        lines[chance.randrange(len(lines))] = _line(chance)
        yield _modify(path, "\n".join(lines).encode())
        if asset_every and number % asset_every == 0:
            path = f"assets/{number // asset_every % _ASSETS_AT_ONCE}.bin"
            yield _modify(path, chance.randbytes(shape.asset_bytes))
    yield from _refs(shape)


def _refs(shape: Shape) -> Iterator[bytes]:
    # The last commits carry none, so a fetch of them is a fetch of one branch.
    last = shape.commits - 11
    for number in range(shape.refs):
        mark = 1 + number * last // shape.refs
        kind = "heads/topic" if number % int(1 / _BRANCHES) == 1 else "tags/v"
        yield f"reset refs/{kind}-{number}\nfrom :{mark}\n\n".encode()


def _line(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=_LINE_WORDS))


def _commit_head(number: int, subject: str) -> bytes:
    message = f"{subject}\n".encode()
    head = (
        f"commit refs/heads/main\nmark :{number + 1}\n"
        f"committer Ann Author <ann@example.org> {_EPOCH + number * 600} +0000\n"
        f"data {len(message)}\n"
    )
    return head.encode() + message


def _modify(path: str, content: bytes) -> bytes:
    return f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
