"""What running git needs: the program, its environment, and its memory limit."""

from __future__ import annotations

from dataclasses import dataclass

from wit_admin.errors import ConfigError
from wit_admin.git.children.environment import ChildEnvironment
from wit_admin.git.children.program import GitProgram


@dataclass(frozen=True, slots=True)
class GitTools:
    """The git of this forge."""

    program: GitProgram
    environment: ChildEnvironment
    memory_bytes: int
    """The memory limit of one child."""

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of git's."""
        return [*self.program.line, *arguments]

    def require_git(self) -> None:
        """Check that git itself is installed.

        Raises:
            ConfigError: Only the dulwich stand-in is.
        """
        if not self.program.is_git:
            raise ConfigError("This needs the git program.", hint="Install git 2.39 or newer.")
