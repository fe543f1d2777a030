"""Statistics of a repository, counted by git."""

from __future__ import annotations

import heapq
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.children.tools import GitTools
from wit_admin.git.repositories.maintenance import find_disorder, read_covered

_KIB = 1024


@dataclass(frozen=True, slots=True)
class LargeBlob:
    """A file's content, and a path that some commit has it at."""

    oid: str
    size_bytes: int
    path: str | None
    """``None`` if no ref leads to it."""

    def __str__(self) -> str:
        return f"{self.oid} {self.size_bytes} {self.path or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Statistics:
    """One repository in numbers."""

    commits: int
    """The number of commits that refs lead to."""
    branches: int
    tags: int
    refs: int
    loose_objects: int
    loose_bytes: int
    packed_objects: int
    packs: int
    packed_bytes: int
    garbage_bytes: int
    """The size of files that do not belong in a repository."""
    has_multi_pack_index: bool
    has_bitmap: bool
    has_commit_graph: bool
    disorder: tuple[str, ...]
    """The reasons for which ``gc`` would pack it; empty if there are none."""
    largest_blobs: tuple[LargeBlob, ...]


def count(tools: GitTools, gitdir: Path, *, largest: int = 0) -> Statistics:
    """Count a repository, and find its ``largest`` blobs; for these it looks at every object.

    Raises:
        UnavailableError: git fails.
    """
    reader = _Reader(tools, gitdir)
    objects = dict(line.split(": ", 1) for line in reader.lines("count-objects", "-v"))
    refs = list(reader.lines("for-each-ref", "--format=%(refname)"))
    commits = next(reader.lines("rev-list", "--count", "--all"), "0")
    folder = gitdir / "objects"
    return Statistics(
        commits=int(commits),
        branches=sum(ref.startswith("refs/heads/") for ref in refs),
        tags=sum(ref.startswith("refs/tags/") for ref in refs),
        refs=len(refs),
        loose_objects=int(objects["count"]),
        loose_bytes=int(objects["size"]) * _KIB,
        packed_objects=int(objects["in-pack"]),
        packs=int(objects["packs"]),
        packed_bytes=int(objects["size-pack"]) * _KIB,
        garbage_bytes=int(objects["size-garbage"]) * _KIB,
        has_multi_pack_index=bool(read_covered(gitdir)),
        has_bitmap=any((folder / "pack").glob("*.bitmap")),
        has_commit_graph=(folder / "info/commit-graph").exists()
        or (folder / "info/commit-graphs").exists(),
        disorder=find_disorder(gitdir),
        largest_blobs=reader.largest_blobs(largest) if largest else (),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    tools: GitTools
    gitdir: Path

    def lines(self, *arguments: str) -> Iterator[str]:
        """Yield what git prints; memory does not grow with it."""
        with subprocess.Popen(
            self.tools.command(f"--git-dir={self.gitdir}", *arguments),
            env=self.tools.environment.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as child:
            assert child.stdout is not None  # noqa: S101  it is a pipe
            try:
                for line in child.stdout:
                    yield line.decode("utf-8", "replace").rstrip("\n")
            finally:
                if child.poll() is None:
                    child.terminate()
        if child.returncode > 0:
            raise UnavailableError(f"git {arguments[0]} cannot read {self.gitdir.name}.")

    def largest_blobs(self, most: int) -> tuple[LargeBlob, ...]:
        """Return the largest blobs, the largest first."""
        form = "--batch-check=%(objecttype) %(objectsize) %(objectname)"
        entries = self.lines("cat-file", "--batch-all-objects", "--unordered", form)
        sized = (line.split(" ") for line in entries)
        found = heapq.nlargest(
            most, ((int(size), oid) for kind, size, oid in sized if kind == "blob")
        )
        wanted, paths = {oid for _, oid in found}, dict[str, str]()
        for line in self.lines("rev-list", "--objects", "--all"):
            oid, _, path = line.partition(" ")
            if oid in wanted:
                paths.setdefault(oid, path)
        return tuple(LargeBlob(oid, size, paths.get(oid)) for size, oid in found)
