"""Accounts that are blocked and given passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_repository, run_at_once
from wit_admin.db.models.accounts import User
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    WitError,
)
from wit_admin.services.access.actors import Client, Credentials
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.changes import (
    block_user,
    claim_user,
    edit_user,
    set_password,
    show_user,
    unblock_user,
)
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.audit.trail import list_events
from wit_admin.services.lookups import get_user
from wit_admin.services.organizations.organizations import create_organization, show_organization

pytestmark = pytest.mark.usefixtures("cheap_passwords")
Sessions = sessionmaker[Session]
CLIENT = Client("127.0.0.1", "curl")


@pytest.fixture
def logins(sessions: Sessions) -> LoginSessions:
    create_user(sessions, "alice", email="alice@example.org", password="correct horse")
    return LoginSessions(sessions, lifetime=timedelta(days=1))


def test_block_ends_sessions_for_good(sessions: Sessions, logins: LoginSessions) -> None:
    made = Credentials(logins.log_in("alice", "correct horse", CLIENT).token, is_bearer=True)

    first = block_user(sessions, "Alice").blocked_at

    assert first is not None
    assert block_user(sessions, "alice").blocked_at == first
    with pytest.raises(UnauthenticatedError):
        logins.log_in("alice", "correct horse", CLIENT)
    assert unblock_user(sessions, "alice").blocked_at is None
    with pytest.raises(UnauthenticatedError):
        logins.recognise(made)
    logins.log_in("alice", "correct horse", CLIENT)


def test_new_password_ends_sessions_and_the_old_one(
    sessions: Sessions, logins: LoginSessions
) -> None:
    logins.log_in("alice", "correct horse", CLIENT)

    assert set_password(sessions, "alice", "battery staple") == 1

    with pytest.raises(UnauthenticatedError):
        logins.log_in("alice", "correct horse", CLIENT)
    logins.log_in("alice", "battery staple", CLIENT)
    with pytest.raises(InvalidInputError, match="at least"):
        set_password(sessions, "alice", "short")


def placeholder(sessions: Sessions, name: str = "octo") -> None:
    """Make what a sync makes of a folder of somebody whom nobody knows."""
    with sessions.begin() as session:
        session.add(User(name=name, is_placeholder=True))


def test_claimed_placeholder_signs_in_and_keeps_its_repositories(sessions: Sessions) -> None:
    placeholder(sessions)
    with sessions.begin() as session:
        make_repository(session, get_user(session, "octo").id)

    claimed = claim_user(sessions, "Octo", email="Octo@example.org", password="correct horse")

    assert (claimed.username, claimed.email) == ("octo", "octo@example.org")
    assert (claimed.is_placeholder, claimed.has_password, claimed.repositories) == (False, True, 1)
    logins = LoginSessions(sessions, lifetime=timedelta(days=1))
    logins.log_in("octo", "correct horse", CLIENT)
    with pytest.raises(ConflictError, match="an account already"):
        claim_user(sessions, "octo", password="battery staple")
    logins.log_in("octo", "correct horse", CLIENT)


def test_placeholder_gets_no_password_before_it_is_claimed(sessions: Sessions) -> None:
    placeholder(sessions)

    with pytest.raises(ConflictError, match="octo is a placeholder"):
        set_password(sessions, "octo", "correct horse")

    assert not claim_user(sessions, "octo").has_password


def test_of_many_who_claim_a_placeholder_one_wins(sessions: Sessions) -> None:
    placeholder(sessions)

    raised = run_at_once(
        [partial(claim_user, sessions, "octo", email=f"o{number}@x") for number in range(4)]
    )

    assert sorted(type(error).__name__ for error in raised) == ["ConflictError"] * 3 + ["NoneType"]


def test_placeholder_whose_address_is_taken_stays_one(sessions: Sessions) -> None:
    placeholder(sessions)
    create_user(sessions, "alice", email="alice@example.org")

    with pytest.raises(ConflictError, match="address is taken"):
        claim_user(sessions, "octo", email="ALICE@example.org")

    assert show_user(sessions, "octo").is_placeholder


def test_account_that_exists_is_left_as_it_is_when_it_may(sessions: Sessions) -> None:
    first = create_user(sessions, "alice", email="alice@example.org")
    create_organization(sessions, "acme", owner="alice")
    placeholder(sessions)

    again = create_user(sessions, "ALICE", password="correct horse", is_admin=True, may_exist=True)

    assert (again.id, again.username, again.is_new) == (first.id, "alice", False)
    assert not show_user(sessions, "alice").has_password
    assert not show_user(sessions, "alice").is_admin
    with pytest.raises(ConflictError, match="taken"):
        create_user(sessions, "alice")
    with pytest.raises(ConflictError, match="taken"):
        create_user(sessions, "acme", may_exist=True)
    with pytest.raises(ConflictError, match="taken"):
        create_user(sessions, "bob", email="alice@example.org", may_exist=True)
    with pytest.raises(ConflictError, match="placeholder"):
        create_user(sessions, "octo", may_exist=True)


def test_edit_changes_what_it_names_and_is_audited_as_it_was(sessions: Sessions) -> None:
    create_user(sessions, "alice", email="alice@example.org")

    edit_user(sessions, "alice", full_name="Alice Liddell", email="A@Example.org", is_admin=True)
    details = edit_user(sessions, "alice", full_name=None)

    assert (details.full_name, details.email, details.is_admin) == (None, "a@example.org", True)
    (event,) = list_events(sessions, AuditFilter(action="user.edit"), limit=1)
    assert (event.before, event.after) == ({"full_name": "Alice Liddell"}, {"full_name": None})
    create_user(sessions, "bob")
    with pytest.raises(ConflictError, match="address is taken"):
        edit_user(sessions, "bob", email="A@EXAMPLE.ORG")


NO_ADDRESSES = (
    *("", "@", "a@", "@b", "a@b@c", "a b@c", " a@b", "a@b ", "a@b\n", "a@b..c", "a@.b", "a@b."),
    *("<a@b>", '"a"@b', "a,b@c", "a\0@b", "\udcff@b", "a\x9b@b", "a" * 251 + "@b.c"),
)
NO_NAMES = (
    *("", ".", "..", "a..b", ".a", "-a", "a-", "a.", "a.git", "a.LOCK", "a b", "a/b", "a\\b", "ä"),
    *("a\0", "a\n", "Admin", "API", "teams", "trash", "\u0430lice", "a" * 40, "\udcff", "\u2126"),
)


def raises(error: type[WitError], call: Callable[[], object]) -> bool:
    """Tell whether a call fails with this error and no other."""
    try:
        call()
    except error:
        return True
    return False


def test_what_is_no_address_is_refused(sessions: Sessions) -> None:
    taken = [
        email
        for email in NO_ADDRESSES
        if not raises(InvalidInputError, partial(create_user, sessions, "alice", email=email))
    ]

    assert taken == []
    assert create_user(sessions, "alice", email="ä.l+i'ce@exämple.org").email is not None


def test_what_cannot_be_a_name_is_refused_and_found_nowhere(sessions: Sessions) -> None:
    makers: list[Callable[[str], object]] = [
        lambda name: create_user(sessions, name, may_exist=True),
        lambda name: create_organization(sessions, name, owner="alice", may_exist=True),
    ]
    lookers: list[Callable[[str], object]] = [
        lambda name: show_user(sessions, name),
        lambda name: show_organization(sessions, name),
    ]

    for calls, error in ((makers, InvalidInputError), (lookers, NotFoundError)):
        for call in calls:
            assert [n for n in NO_NAMES if not raises(error, partial(call, n))] == []


def test_wrong_name_is_answered_with_a_near_one(sessions: Sessions) -> None:
    create_user(sessions, "alice")

    with pytest.raises(NotFoundError) as caught:
        show_user(sessions, "alcie")

    assert caught.value.hint == "Did you mean alice?"
