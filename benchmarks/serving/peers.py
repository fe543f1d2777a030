"""What a client knows of a running server."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.cpu import CpuGroup, make_group
from benchmarks.serving.git_client import Settings


@dataclass(frozen=True, slots=True)
class Peer:
    """One running server, and what a client needs to use it."""

    name: str
    address: tuple[str, int]
    owner: str
    credentials: str
    """An ``Authorization`` header, or nothing."""
    folder: Path
    """Where the owner's repositories stand on disk."""
    group: CpuGroup | None

    def gitdir(self, repository: str) -> Path:
        """Return where a repository stands on disk."""
        return self.folder / f"{repository}.git"

    def url(self, repository: str) -> str:
        """Return where git finds a repository."""
        host, port = self.address
        return f"http://{host}:{port}{self.path(repository)}"

    def path(self, repository: str) -> str:
        """Return the part of the URL after host and port."""
        return f"/{self.owner}/{repository}.git"

    @property
    def settings(self) -> Settings:
        """Settings of a git client that may push here."""
        return [("http.extraHeader", self.credentials)] if self.credentials else []


def enter_group(stack: contextlib.ExitStack, name: str) -> CpuGroup | None:
    """Make a control group that goes when ``stack`` ends, or return ``None``."""
    group = make_group(name)
    if group is not None:
        stack.callback(group.remove)
    return group
