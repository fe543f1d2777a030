"""Accounts on a running server, made without a process of ``wit-admin`` for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from tests.support.server import RunningServer
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.tokens import TokenOrder, create_token


@contextmanager
def opened_database(server: RunningServer) -> Iterator[sessionmaker[Session]]:
    """Open the server's own database; a process for each look would take seconds."""
    default = f"sqlite:///{server.home / 'wit.db'}"
    engine = open_engine(server.environment.get("DATABASE_URL", default))
    try:
        yield make_sessions(engine)
    finally:
        engine.dispose()


def make_account(server: RunningServer, name: str = "alice", *, password: str | None = None) -> str:
    """Make an account, and return a token that may do all that its owner may."""
    with opened_database(server) as sessions:
        create_user(sessions, name, password=password)
        order = TokenOrder("test", [Scope.REPO_WRITE])
        return create_token(sessions, name, order=order).token
