"""The real git, as the program runs it."""

from __future__ import annotations

from pathlib import Path

from wit_admin.git.children.environment import ChildEnvironment, write_defaults
from wit_admin.git.children.program import find_git
from wit_admin.git.children.tools import GitTools


def make_tools(folder: Path) -> GitTools:
    """Return the real git, with the defaults that the program gives it written to ``folder``."""
    write_defaults(folder / "gitconfig")
    environment = ChildEnvironment(folder / "gitconfig", repository_hooks=False)
    return GitTools(find_git(), environment, 1024**3)
