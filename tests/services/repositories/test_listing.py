from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.repositories.listing import list_activity


def test_the_activity_of_an_absent_repository_is_not_found_rather_than_empty(
    sessions: sessionmaker[Session],
) -> None:
    with pytest.raises(NotFoundError, match="no/such"):
        list_activity(sessions, repository=RepoName.parse("no/such"))
