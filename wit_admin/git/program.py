"""The git program: where it is, and which version."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from wit_admin.errors import ConfigError

OLDEST = (2, 39)
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class GitProgram:
    """A git that is new enough."""

    path: str
    version: tuple[int, int]


def find_git(name: str = "git") -> GitProgram:
    """Find git by name or path and ask for its version.

    Raises:
        ConfigError: There is none, it does not answer, or it is too old.
    """
    path = shutil.which(name)
    if path is None:
        raise ConfigError(f"There is no git program {name!r} on PATH.", hint="Install git 2.39.")
    answer = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(answer.stdout)
    if found is None:
        raise ConfigError(f"{path} does not say its version.")
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        raise ConfigError(f"{path} is git {found[0]}; 2.39 or newer is needed.")
    return GitProgram(path, version)
