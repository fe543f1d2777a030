"""Users named on one repository."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import make_demo
from wit_admin.db.models.organizations import Permission
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.repositories.collaborators import (
    add_collaborator,
    list_collaborators,
    remove_collaborator,
)

DEMO = RepoName.parse("alice/demo")


def test_collaborator_is_added_changed_and_removed(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        make_demo(session)
    create_user(sessions, "bob")

    add_collaborator(sessions, DEMO, "bob", Permission.WRITE)
    row = add_collaborator(sessions, DEMO, "BOB", Permission.READ)

    assert list_collaborators(sessions, DEMO) == [row]
    assert (row.username, row.permission) == ("bob", Permission.READ)
    remove_collaborator(sessions, DEMO, "bob")
    assert list_collaborators(sessions, DEMO) == []
    with pytest.raises(NotFoundError, match="not a collaborator"):
        remove_collaborator(sessions, DEMO, "bob")
