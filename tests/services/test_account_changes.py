"""Accounts that are blocked and given passwords."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from wit_admin.services.account_changes import (
    block_user,
    set_password,
    show_user,
    unblock_user,
)
from wit_admin.services.accounts import create_user
from wit_admin.services.actors import Credentials
from wit_admin.services.sessions import Client, SignIn

Sessions = sessionmaker[Session]
CLIENT = Client("127.0.0.1", "curl")


@pytest.fixture
def sign_in(sessions: Sessions) -> SignIn:
    create_user(sessions, "alice", email="alice@example.org", password="correct horse")
    return SignIn(sessions, lifetime=timedelta(days=1))


def test_block_ends_sessions_for_good(sessions: Sessions, sign_in: SignIn) -> None:
    made = Credentials(sign_in.log_in("alice", "correct horse", CLIENT).token, is_bearer=True)

    first = block_user(sessions, "Alice").blocked_at

    assert first is not None
    assert block_user(sessions, "alice").blocked_at == first
    with pytest.raises(UnauthenticatedError):
        sign_in.log_in("alice", "correct horse", CLIENT)
    assert unblock_user(sessions, "alice").blocked_at is None
    with pytest.raises(UnauthenticatedError):
        sign_in.recognise(made)
    sign_in.log_in("alice", "correct horse", CLIENT)


def test_new_password_ends_sessions_and_the_old_one(sessions: Sessions, sign_in: SignIn) -> None:
    sign_in.log_in("alice", "correct horse", CLIENT)

    assert set_password(sessions, "alice", "battery staple") == 1

    with pytest.raises(UnauthenticatedError):
        sign_in.log_in("alice", "correct horse", CLIENT)
    sign_in.log_in("alice", "battery staple", CLIENT)
    with pytest.raises(InvalidInputError, match="at least"):
        set_password(sessions, "alice", "short")


def test_wrong_name_is_answered_with_a_near_one(sessions: Sessions) -> None:
    create_user(sessions, "alice")

    with pytest.raises(NotFoundError) as caught:
        show_user(sessions, "alcie")

    assert caught.value.hint == "Did you mean alice?"
