"""Labels: unique in their repository, worn by issues and pull requests alike."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    make_demo,
    make_issue,
    make_pull_request,
    make_repository,
    run_at_once,
)
from wit_admin.db.models.issues import Issue
from wit_admin.db.models.pull_requests import PullRequest
from wit_admin.db.queries import labels
from wit_admin.errors import ConflictError, NotFoundError


def test_label_names_differ_in_more_than_case(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        labels.create_label(session, repo_id, "bug", color="D73A4A")
        with pytest.raises(ConflictError, match="'BUG'"):
            labels.create_label(session, repo_id, "BUG")
        other = make_repository(session, user_id, "other")
        labels.create_label(session, other, "bug")

    with sessions() as session:
        found = labels.list_labels(session, repo_id)
        assert [(label.name, label.color) for label in found] == [("bug", "d73a4a")]


def test_a_label_can_be_renamed_but_not_to_a_name_that_is_taken(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        _, repo_id = make_demo(session)
        bug = labels.create_label(session, repo_id, "bug")
        labels.create_label(session, repo_id, "feature")

    with sessions.begin() as session:
        labels.update_label(session, bug.id, name="Defect", description="It is broken")
        with pytest.raises(ConflictError):
            labels.update_label(session, bug.id, name="FEATURE")

    with sessions() as session:
        renamed = labels.find_label(session, repo_id, "defect")
        assert renamed is not None
        assert (renamed.id, renamed.name, renamed.description) == (
            bug.id,
            "Defect",
            "It is broken",
        )
        assert labels.find_label(session, repo_id, "bug") is None


@pytest.mark.parametrize("make", [make_issue, make_pull_request])
def test_labels_are_put_on_and_taken_off(sessions: sessionmaker[Session], make: object) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        bug, easy, old = (
            labels.create_label(session, repo_id, name) for name in ("bug", "easy", "old")
        )
        target: Issue | PullRequest = make(session, repo_id, user_id)  # type: ignore[operator]

        answers = [
            labels.add_label(session, target, old.id),
            labels.add_label(session, target, old.id),
        ]
        labels.set_labels(session, target, [easy.id, bug.id])
        worn = labels.label_names(session, type(target), [target.id])
        answers += [
            labels.remove_label(session, target, bug.id),
            labels.remove_label(session, target, bug.id),
        ]
        labels.delete_label(session, easy.id)
        left = labels.label_names(session, type(target), [target.id])

    assert answers == [True, False, True, False]
    assert worn == {target.id: ("bug", "easy")}
    assert left == {}


def test_a_label_of_another_repository_is_refused(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)
        foreign = labels.create_label(session, make_repository(session, user_id, "other"), "bug")

        with pytest.raises(NotFoundError):
            labels.add_label(session, issue, foreign.id)
        with pytest.raises(NotFoundError):
            labels.set_labels(session, issue, [foreign.id])

        assert labels.label_names(session, Issue, [issue.id]) == {}


def test_two_who_set_the_same_labels_at_once_both_succeed(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)
        made = [labels.create_label(session, repo_id, f"label {n}").id for n in range(5)]

    def set_all() -> None:
        with sessions.begin() as session:
            labels.set_labels(session, issue, made)

    raised = run_at_once([set_all] * 4)

    with sessions() as session:
        assert raised == [None] * 4
        assert len(labels.label_names(session, Issue, [issue.id])[issue.id]) == 5
