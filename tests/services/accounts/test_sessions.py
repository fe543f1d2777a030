"""Sessions: good until they expire or are revoked, and cheap to use."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import User, UserSession
from wit_admin.errors import NotFoundError, UnauthenticatedError
from wit_admin.services.access.actors import Client, Credentials
from wit_admin.services.access.attempts import PER_ACCOUNT_AND_ADDRESS, open_attempts
from wit_admin.services.access.credentials import TOKEN_PREFIX, PasswordChecker, new_secret
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.sessions import (
    LoginSessions,
    SessionResult,
    create_session,
    list_sessions,
    revoke_session,
    revoke_sessions_of,
)

pytestmark = pytest.mark.usefixtures("cheap_passwords")
DAY = timedelta(days=1)
Sessions = sessionmaker[Session]


@pytest.fixture
def logins(sessions: Sessions) -> LoginSessions:
    create_user(sessions, "alice", password="correct horse")
    return LoginSessions(sessions, lifetime=DAY)


def good(made: SessionResult) -> Credentials:
    return Credentials(made.token, is_bearer=True)


def test_password_opens_a_session_that_is_recognised(
    sessions: Sessions, logins: LoginSessions
) -> None:
    made = logins.log_in("Alice", "correct horse", Client("127.0.0.1", "curl"))

    assert made.token.startswith("wits_")
    assert logins.recognise(good(made)).username == "alice"
    assert DAY - timedelta(minutes=1) < made.expires_at - utc_now() <= DAY
    (row,) = list_sessions(sessions, "alice")
    assert (row.id, row.ip, row.user_agent) == (made.id, "127.0.0.1", "curl")


@pytest.mark.parametrize("place", ["secret", "username"])
def test_token_that_ran_out_uses_up_no_attempts(
    sessions: Sessions, tmp_path: Path, place: str
) -> None:
    create_user(sessions, "alice", password="correct horse")
    with open_attempts(tmp_path / "attempts") as attempts:
        logins = LoginSessions(sessions, PasswordChecker(attempts), lifetime=DAY)
        token = new_secret(TOKEN_PREFIX)
        given = (token, "alice") if place == "secret" else ("x-oauth-basic", token)
        stale = Credentials(*given, address="192.0.2.1")
        for _ in range(2 * PER_ACCOUNT_AND_ADDRESS):
            with pytest.raises(UnauthenticatedError):
                logins.recognise(stale)

        made = logins.log_in("alice", "correct horse", Client("192.0.2.1"))

    assert made.username == "alice"


def test_secret_is_not_kept(sessions: Sessions, logins: LoginSessions) -> None:
    made = logins.log_in("alice", "correct horse", Client())

    with sessions() as session:
        row = session.scalars(select(UserSession)).one()
    kept = [getattr(row, column.name) for column in UserSession.__table__.columns]
    assert made.token.encode() not in b"".join(str(value).encode() for value in kept)
    assert len(row.token_digest) == 32


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong horse"),
        ("nobody", "correct horse"),
        ("without-password", "correct horse"),
        ("blocked", "correct horse"),
    ],
)
def test_every_failure_to_sign_in_has_the_same_sentence(
    sessions: Sessions, logins: LoginSessions, username: str, password: str
) -> None:
    create_user(sessions, "without-password")
    create_user(sessions, "blocked", password="correct horse")
    with sessions.begin() as session:
        user = session.scalars(select(User).where(User.name_key == "blocked")).one()
        user.blocked_at = utc_now()

    with pytest.raises(UnauthenticatedError, match="is wrong") as caught:
        logins.log_in(username, password, Client())

    assert username not in caught.value.message
    assert list_sessions(sessions, None) == []


def test_expired_session_is_nobody_and_not_listed(
    sessions: Sessions, logins: LoginSessions
) -> None:
    made = create_session(sessions, "alice", lifetime=DAY)
    with sessions.begin() as session:
        session.execute(update(UserSession).values(expires_at=utc_now()))

    with pytest.raises(UnauthenticatedError):
        logins.recognise(good(made))
    assert list_sessions(sessions, None) == []


def test_revoked_session_is_nobody_and_may_be_revoked_again(
    sessions: Sessions, logins: LoginSessions
) -> None:
    made, other = (create_session(sessions, "alice", lifetime=DAY) for _ in range(2))

    revoke_session(sessions, made.id)
    revoke_session(sessions, made.id)

    with pytest.raises(UnauthenticatedError):
        logins.recognise(good(made))
    assert [row.id for row in list_sessions(sessions, "alice")] == [other.id]


def test_all_sessions_of_one_account_are_revoked_and_of_no_other(
    sessions: Sessions, logins: LoginSessions
) -> None:
    create_user(sessions, "bob")
    made = [create_session(sessions, name, lifetime=DAY) for name in ("alice", "alice", "bob")]

    counts = [revoke_sessions_of(sessions, "ALICE"), revoke_sessions_of(sessions, "alice")]

    assert counts == [2, 0]
    assert logins.recognise(good(made[2])).username == "bob"


def test_logging_out_ends_the_session_once(sessions: Sessions, logins: LoginSessions) -> None:
    made = create_session(sessions, "alice", lifetime=DAY)

    logins.log_out(good(made))

    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            logins.log_out(good(made))
    assert list_sessions(sessions, "alice") == []


def test_unknown_account_and_session_are_not_found(
    sessions: Sessions, logins: LoginSessions
) -> None:
    made = create_session(sessions, "alice", lifetime=DAY)

    with pytest.raises(NotFoundError):
        create_session(sessions, "nobody", lifetime=DAY)
    with pytest.raises(NotFoundError):
        revoke_sessions_of(sessions, "nobody")
    with pytest.raises(NotFoundError):
        revoke_session(sessions, type(made.id)(int=1))


def test_use_is_noted_once_in_five_minutes(sessions: Sessions, logins: LoginSessions) -> None:
    made = create_session(sessions, "alice", lifetime=DAY)
    writes: list[str] = []
    event.listen(
        sessions.kw["bind"],
        "before_cursor_execute",
        lambda *call: writes.append(call[2]) if call[2].startswith("UPDATE") else None,
    )

    for _ in range(3):
        logins.recognise(good(made))
    first = list_sessions(sessions, "alice")[0].last_used_at
    with sessions.begin() as session:
        session.execute(update(UserSession).values(last_used_at=utc_now() - timedelta(minutes=6)))
    for _ in range(3):
        logins.recognise(good(made))

    assert first is not None
    assert len(writes) == 3
    assert list_sessions(sessions, "alice")[0].last_used_at != first
