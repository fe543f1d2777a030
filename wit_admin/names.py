"""Names of owners, repositories and branches: checked once here, trusted afterwards.

Owners and repositories are unique by their *key*, the lower-case form, so that ``Alice/Demo`` and
``alice/demo`` are one repository on every file system and in every database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from wit_admin.errors import InvalidInputError

MAX_OWNER_LENGTH = 39
"""As on GitHub."""
MAX_REPO_LENGTH = 100
"""As on GitHub."""
MAX_BRANCH_BYTES = 1000
MAX_BRANCH_PART_BYTES = 250
"""Between two slashes: git adds ``.lock`` to it, and file systems end at 255."""

_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?", re.ASCII)
_REPO = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*", re.ASCII)
_OWNER_START = "beginning with a letter or digit"
_BAD_ENDINGS = (".git", ".lock", ".bundle", ".tmp", ".")

# fmt: off
RESERVED_OWNERS = frozenset({
    "about", "account", "admin", "api", "apps", "assets", "auth", "blog", "branches", "contact",
    "dashboard", "docs", "events", "explore", "favicon.ico", "features", "github", "health",
    "help", "home", "issues", "jj", "jobs", "join", "livez", "login", "logout", "me", "metrics",
    "new", "notifications", "oauth", "org", "organizations", "orgs", "pricing", "privacy",
    "pulls", "raw", "readyz", "register", "repos", "repositories", "robots.txt", "search",
    "security", "sessions", "settings", "site", "ssh", "static", "status", "teams", "terms",
    "tokens", "trash", "user", "users", "watcher", "webhooks", "wit", "workspaces",
})
# fmt: on
"""First path segments that the web interface and the API keep for themselves."""


def name_key(name: str) -> str:
    """Return the form under which ``name`` must be unique; names are ASCII, so lower case does."""
    return name.lower()


# Repositories have owners in common: a sync of thousands asks for the same again and again.
@lru_cache(maxsize=1024)
def check_owner_name(text: str) -> str:
    """Return ``text`` if it can name a user or an organization.

    Raises:
        InvalidInputError: It is empty, too long, reserved, or has a character a URL or a
            file system might treat specially.
    """
    _check_form(text, "an owner name", _OWNER, MAX_OWNER_LENGTH, _OWNER_START)
    _check_ending(text, "an owner name")
    if name_key(text) in RESERVED_OWNERS:
        raise InvalidInputError(f"{_shown(text)} is a reserved name.", hint="Choose another name.")
    return text


def check_team_name(text: str) -> str:
    """Return ``text`` if it can name a team.

    Raises:
        InvalidInputError: It is empty, too long, or has a character that an owner's name cannot.
    """
    _check_form(text, "a team name", _OWNER, MAX_OWNER_LENGTH, _OWNER_START)
    if ".." in text:
        raise InvalidInputError(
            f"{_shown(text)} cannot be a team name.", hint="Names must not contain '..'."
        )
    return text


def check_repo_name(text: str) -> str:
    """Return ``text`` if it can name a repository; ``.git`` must have been taken off before.

    Raises:
        InvalidInputError: As for :func:`check_owner_name`.
    """
    _check_form(text, "a repository name", _REPO, MAX_REPO_LENGTH, "not beginning with '-'")
    _check_ending(text, "a repository name")
    return text


def _check_form(text: str, what: str, form: re.Pattern[str], longest: int, start: str) -> None:
    if not 0 < len(text) <= longest or not form.fullmatch(text):
        raise InvalidInputError(
            f"{_shown(text)} cannot be {what}.",
            hint=f"Use 1 to {longest} letters, digits, '-', '_' or '.', {start}.",
        )


def _check_ending(text: str, what: str) -> None:
    if name_key(text).endswith(_BAD_ENDINGS) or ".." in text:
        raise InvalidInputError(
            f"{_shown(text)} cannot be {what}.",
            hint="Names must not contain '..' or end in '.', '.git', '.lock', '.bundle' or '.tmp'.",
        )


@dataclass(frozen=True, slots=True)
class RepoName:
    """``owner/name`` of a repository, both parts checked."""

    owner: str
    name: str

    def __post_init__(self) -> None:
        check_owner_name(self.owner)
        check_repo_name(self.name)

    @classmethod
    def parse(cls, text: str) -> RepoName:
        """Read ``owner/name`` or ``owner/name.git``.

        Raises:
            InvalidInputError: There is not exactly one slash, or a part cannot be a name.
        """
        owner, name = _split(text, "a repository", "OWNER/REPO")
        return cls(owner, name.removesuffix(".git"))

    @property
    def key(self) -> tuple[str, str]:
        """The pair under which a repository is unique."""
        return name_key(self.owner), name_key(self.name)

    @property
    def disk_path(self) -> str:
        """Where a new repository of this name goes, below the repository root."""
        return f"{self.owner}/{self.name}.git"

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class TeamName:
    """``organization/team``, both parts checked."""

    organization: str
    team: str

    def __post_init__(self) -> None:
        check_owner_name(self.organization)
        check_team_name(self.team)

    @classmethod
    def parse(cls, text: str) -> TeamName:
        """Read ``organization/team``.

        Raises:
            InvalidInputError: There is not exactly one slash, or a part cannot be a name.
        """
        return cls(*_split(text, "a team", "ORG/TEAM"))

    def __str__(self) -> str:
        return f"{self.organization}/{self.team}"


def check_branch_name(text: str) -> str:
    """Return ``text`` if ``refs/heads/<text>`` is a ref name that git accepts.

    Source: git-check-ref-format(1), the ten rules and ``--branch``.

    Raises:
        InvalidInputError: git would refuse it.
    """
    parts = text.split("/")
    bad = (
        not text
        or text == "@"
        or text.startswith("-")
        or text.endswith(".")
        or _bytes_of(text) > MAX_BRANCH_BYTES
        or max(map(_bytes_of, parts)) > MAX_BRANCH_PART_BYTES
        or ".." in text
        or "@{" in text
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
        or any(char < " " or char in "\x7f ~^:?*[\\" for char in text)
    )
    if bad:
        raise InvalidInputError(
            f"{_shown(text)} cannot be a branch name.",
            hint="See 'git help check-ref-format' for what git allows.",
        )
    return text


def _bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _split(text: str, what: str, form: str) -> tuple[str, str]:
    first, slash, second = text.partition("/")
    if not slash or "/" in second:
        raise InvalidInputError(
            f"{_shown(text)} does not name {what}.", hint=f"Write it as {form}."
        )
    return first, second


def _shown(text: str) -> str:
    """Quote foreign text for a message: short, and without control characters."""
    shown = text if len(text) <= MAX_REPO_LENGTH else text[:MAX_REPO_LENGTH] + "…"
    return "'" + "".join(char if char.isprintable() else "�" for char in shown) + "'"
