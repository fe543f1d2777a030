"""Who is asking: the account behind a request, what its token lets it do, and its client."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass


class Scope(enum.StrEnum):
    """What an access token may be used for."""

    REPO_READ = "repo:read"
    REPO_WRITE = "repo:write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A recognised account; limits are ``None`` when it came with a password or a session."""

    user_id: uuid.UUID
    username: str
    is_admin: bool = False
    token_id: uuid.UUID | None = None
    scopes: frozenset[str] | None = None
    repo_ids: frozenset[uuid.UUID] | None = None
    ref_pattern: str | None = None
    session_id: uuid.UUID | None = None

    def has_scope(self, wanted: Scope) -> bool:
        """Return whether the credentials allow ``wanted``; writing includes reading."""
        if self.scopes is None:
            return True
        if wanted is Scope.REPO_READ and Scope.REPO_WRITE in self.scopes:
            return True
        return wanted in self.scopes


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent to say who it is. The secret never shows in ``repr``."""

    secret: str
    username: str | None = None
    is_bearer: bool = False
    address: str | None = None
    """Where they came from."""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, secret=***)"


@dataclass(frozen=True, slots=True)
class Client:
    """Where an HTTP request came from; what is unknown is ``None``."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
