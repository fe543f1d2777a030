"""Finds the git program and its version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import ConfigError

OLDEST = (2, 39)
_USUAL = "git"
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class GitProgram:
    """The program that is run as git: a git that is new enough, or the stand-in."""

    line: tuple[str, ...]
    """How a command line begins, such as ``("/usr/bin/git",)``."""
    version: tuple[int, int] | None
    """``None`` for the stand-in."""

    @property
    def is_git(self) -> bool:
        """Whether it is git itself, and not the stand-in."""
        return self.version is not None

    @property
    def newest_protocol(self) -> int:
        """The newest version of git's protocol that it speaks."""
        return 2 if self.is_git else 0


def find_git(name: str = _USUAL) -> GitProgram:
    """Find git by name or path and ask for its version; without any, return the stand-in.

    Raises:
        ConfigError: A program of another name does not exist; or it has no version, or an old one.
    """
    path = shutil.which(name)
    if path is None:
        if name != _USUAL:
            raise ConfigError(f"There is no git program {name!r}.", hint="Correct WIT_GIT.")
        from wit_admin.git.children.fallback import command_line  # noqa: PLC0415  dulwich takes 65 ms

        return GitProgram(command_line(), None)
    answer = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise ConfigError(f"{path} does not say its version.")
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        raise ConfigError(f"{path} is git {found[0]}; 2.39 or newer is needed.")
    return GitProgram((path,), version)


def own_program(module: str, function: str) -> tuple[str, ...]:
    """Return the command line that runs a function of this package in a process of its own.

    It is found by this package's own place, never by the current folder, which anybody may write.
    """
    root = str(Path(__file__).resolve().parents[2])
    code = (
        f"import sys; sys.path.insert(0, {root!r}); from {module} import {function}; {function}()"
    )
    return sys.executable, "-I", "-c", code
