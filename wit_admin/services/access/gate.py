"""Authorizes git requests: finds the repository in the database, or on disk without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.organizations import Permission
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import callers, serving
from wit_admin.errors import (
    NotAllowedError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor, Credentials
from wit_admin.services.access.authentication import authenticate, bearer_secrets
from wit_admin.services.access.credentials import PasswordChecker
from wit_admin.services.access.decision import (
    Action,
    PushCreate,
    RepositoryFacts,
    Step,
    decide,
    decide_creation,
)
from wit_admin.services.access.read_cache import ReadCache
from wit_admin.services.access.targets import Creatable, Served


class Gate(Protocol):
    """Decides for the git server, with a database or without one."""

    def find_cached_read(self, name: RepoName, credentials: Credentials | None) -> Served | None:
        """Return the cached result of :meth:`open_read`, or ``None``. Never waits."""

    def open_read(self, name: RepoName, credentials: Credentials | None) -> Served:
        """Return the repository if the caller may read it."""

    def open_push(self, name: RepoName, credentials: Credentials | None) -> Served | Creatable:
        """Return the repository if the caller may push to it, or the right to create it."""


class DiskGate:
    """Lets anybody read every repository below the root; its config may allow pushes."""

    def __init__(self, root: Path, inspector: Inspector, *, anonymous_push: bool) -> None:
        self._root = root
        self._inspector = inspector
        self._anonymous_push = anonymous_push

    def find_cached_read(self, name: RepoName, credentials: Credentials | None) -> Served | None:
        """Return ``None``: without a database nothing is cached."""
        return None

    def open_read(self, name: RepoName, credentials: Credentials | None) -> Served:
        """Return the repository of that name on disk."""
        found = storage.find_on_disk(self._root, name.owner, name.name)
        if found is None:
            raise NotFoundError(f"There is no repository {name}.")
        return Served(name, found.gitdir)

    def open_push(self, name: RepoName, credentials: Credentials | None) -> Served:
        """Return the repository if ``http.receivepack`` or the operator lets anybody push."""
        served = self.open_read(name, credentials)
        self._inspector.check(served.gitdir)
        storage.check_switch(served.gitdir, "receive-pack")
        if not self._anonymous_push and not storage.says_yes(served.gitdir, "http.receivepack"):
            raise NotAllowedError(
                f"{name} takes no pushes over HTTP.",
                hint="Its owner can allow it: git config http.receivepack true",
            )
        return served


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """Whether pushes may create repositories, and whether they need an account."""

    create: PushCreate
    is_anonymous: bool = False
    """Pushes without an account act as the owner. The settings allow it on loopback only."""


class DatabaseGate:
    """Decides by the database; known public repositories stay readable while it is gone."""

    def __init__(  # noqa: PLR0913  what stands on disk, in rows and in memory
        self,
        sessions: sessionmaker[Session],
        root: Path,
        inspector: Inspector,
        *,
        policy: PushPolicy,
        checker: PasswordChecker,
        reads: ReadCache,
    ) -> None:
        self._sessions = sessions
        self._root = root
        self._inspector = inspector
        self._policy = policy
        self._checker = checker
        self._reads = reads

    def find_cached_read(self, name: RepoName, credentials: Credentials | None) -> Served | None:
        """Return the repository if the cache knows that the caller may read it."""
        return self._reads.find(name, credentials)

    def open_read(self, name: RepoName, credentials: Credentials | None) -> Served:
        """Return the repository if it is public or the caller may read it.

        Raises:
            UnauthenticatedError: Missing or private, and nobody is signed in: both look alike.
            NotFoundError: Missing or private, and the caller is known.
            UnavailableError: The database is gone, and this is not a known public repository.
        """
        moment = self._reads.moment()
        try:
            actor = self._actor(credentials)
            row = self._find(name, actor)
        except UnavailableError:
            known = self._reads.find_public(name)
            if known is None:
                raise
            return known
        if row is None or not decide(facts_of(row), actor, Action.READ).allowed:
            self._reads.discard_public(name)
            raise hidden(name, actor)
        served = self._served(name, row, actor)
        if row.visibility is Visibility.PUBLIC:
            self._reads.add_public(served, moment)
        else:
            self._reads.discard_public(name)
        # The cache keeps a fast digest of the credentials. A token is too random to be guessed
        # from it; a password is not.
        if credentials is not None and bearer_secrets(credentials):
            self._reads.add(served, moment, credentials)
        return served

    def open_push(self, name: RepoName, credentials: Credentials | None) -> Served | Creatable:
        """Return the repository if the caller may push, or the right to create it.

        Raises:
            UnauthenticatedError: Nobody is signed in.
            NotAllowedError: The caller may see the repository, or the owner, but not push; or the
                repository's config refuses pushes over HTTP.
            NotFoundError: The caller may not even see it.
        """
        actor = self._actor(credentials)
        if actor is None:
            actor = self._owner_as_actor(name)
        row = self._find(name, actor)
        if row is None:
            return self._creatable(name, actor)
        decision = decide(facts_of(row), actor, Action.PUSH)
        if not decision.is_visible:
            raise hidden(name, actor)
        if not decision.allowed:
            raise NotAllowedError(decision.reason)
        served = replace(
            self._served(name, row, actor),
            level=decision.level or Permission.READ,
            has_protections=row.has_protections,
        )
        self._inspector.check(served.gitdir)
        storage.check_switch(served.gitdir, "receive-pack")
        return served

    def _actor(self, credentials: Credentials | None) -> Actor | None:
        if credentials is None:
            return None
        return authenticate(self._sessions, self._checker, credentials)

    def _owner_as_actor(self, name: RepoName) -> Actor:
        """Return the owner where anonymous pushes are allowed (on loopback only)."""
        if self._policy.is_anonymous:
            with self._sessions() as session:
                account = callers.find_account(session, name.owner)
            if account is not None:
                return Actor(account.user_id, account.username)
        raise UnauthenticatedError(
            "Pushing needs an account.", hint="Sign in with a password or an access token."
        )

    def _find(self, name: RepoName, actor: Actor | None) -> serving.ServedRow | None:
        with self._sessions() as session:
            return serving.find_served(session, name, actor.user_id if actor else None)

    def _served(self, name: RepoName, row: serving.ServedRow, actor: Actor | None) -> Served:
        found = storage.resolve(self._root, row.disk_path)
        if found is None:
            raise NotFoundError(
                f"{name} is known, but not on disk.",
                hint="An operator can find out why with 'wit-admin sync-repos --dry-run'.",
            )
        return Served(name, found.gitdir, row.repo_id, actor)

    def _creatable(self, name: RepoName, actor: Actor) -> Creatable:
        with self._sessions() as session:
            owner = serving.find_owner(session, name.owner, actor.user_id)
        decision = decide_creation(owner, actor)
        if owner is None or not decision.is_visible:
            raise hidden(name, actor)
        if not decision.allowed:
            raise NotAllowedError(decision.reason)
        if not self._policy.create.covers(owner.kind):
            raise NotFoundError(
                f"There is no repository {name}, and a push may not create one here.",
                hint="Ask an operator to create it, or to allow it with WIT_PUSH_CREATE.",
            )
        return Creatable(RepoName(owner.name, name.name), actor, owner.owner_id, owner.kind)


def facts_of(row: serving.ServedRow, grants: tuple[Step, ...] = ()) -> RepositoryFacts:
    """Return what :func:`decide` needs to know of this repository."""
    return RepositoryFacts(
        repo_id=row.repo_id,
        owner_id=row.owner_id,
        visibility=row.visibility,
        is_archived=row.archived_at is not None,
        permission=row.permission,
        grants=grants,
    )


def hidden(name: RepoName, actor: Actor | None) -> Exception:
    """Return the same error for what does not exist and for what the caller may not see."""
    if actor is None:
        return UnauthenticatedError(
            f"{name} is private or does not exist.", hint="Sign in to find out."
        )
    return NotFoundError(f"There is no repository {name}, or you may not see it.")
