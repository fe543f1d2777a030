"""Issues: what lists find, and what is said about them."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    LATER,
    NOW,
    make_demo,
    make_issue,
    make_pull_request,
    make_repository,
    make_user,
)
from wit_admin.db.models.issues import IssueComment, IssueState
from wit_admin.db.queries import comments, issues, labels
from wit_admin.db.queries.issues import IssueFilter, IssueSort
from wit_admin.errors import NotFoundError

FILTERED = [
    (IssueFilter(), [4, 3, 2, 1]),
    (IssueFilter(state=IssueState.OPEN), [3, 2, 1]),
    (IssueFilter(state=IssueState.CLOSED), [4]),
    (IssueFilter(author="ALICE"), [4, 1]),
    (IssueFilter(author="bob", state=IssueState.CLOSED), []),
    (IssueFilter(assignee="bob"), [1]),
    (IssueFilter(assignee="carol"), []),
    (IssueFilter(labels=("BUG",)), [2, 1]),
    (IssueFilter(labels=("bug", "good first issue")), [1]),
    (IssueFilter(labels=("bug", "wontfix")), []),
    (IssueFilter(title="slow"), [2]),
    (IssueFilter(title="100"), [3, 1]),
    (IssueFilter(title="100%"), [1]),
    (IssueFilter(title="e_l"), [4]),
]


@pytest.fixture
def repo_id(sessions: sessionmaker[Session]) -> uuid.UUID:
    """Five issues by two authors, with labels, an assignee, and one of them closed."""
    with sessions.begin() as session:
        alice, repo_id = make_demo(session)
        bob = make_user(session, "Bob")
        bug = labels.create_label(session, repo_id, "bug")
        easy = labels.create_label(session, repo_id, "Good First Issue")
        crash = make_issue(session, repo_id, alice, "Crash on 100% load", assignee_id=bob)
        labels.set_labels(session, crash, [bug.id, easy.id])
        slow = make_issue(session, repo_id, bob, "SLOW start")
        labels.set_labels(session, slow, [bug.id])
        make_issue(session, repo_id, bob, "100 questions", assignee_id=alice)
        done = make_issue(session, repo_id, alice, "Done_long ago")
        issues.close_issue(session, done.id, by=alice, now=NOW)
        gone = make_issue(session, repo_id, alice, "Gone")
        issues.delete_issue(session, gone.id, now=NOW)
        other = make_repository(session, alice, "other")
        make_issue(session, other, alice, "Elsewhere")
    return repo_id


def test_a_list_is_what_the_filter_asks_for(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    found = []
    with sessions() as session:
        for wanted, _ in FILTERED:
            page = issues.list_issues(session, repo_id, wanted)
            found.append((wanted, [row.number for row in page.items]))

    assert found == FILTERED


def test_a_listed_issue_has_names_for_ids(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    with sessions() as session:
        row = issues.list_issues(session, repo_id, sort=IssueSort.OLDEST).items[0]

    assert (row.author, row.assignee, row.comments) == ("alice", "Bob", 0)
    assert row.labels == ("bug", "Good First Issue")
    assert (row.state, row.created_at, row.closed_at) == (IssueState.OPEN, NOW, None)


def test_an_issue_is_found_by_its_number_in_its_repository(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    with sessions.begin() as session:
        first = issues.find_issue_by_number(session, repo_id, 1)
        pull = make_pull_request(session, repo_id, first.author_id if first else repo_id)
        as_issue = issues.find_issue_by_number(session, repo_id, pull.number)
        deleted = issues.find_issue_by_number(session, repo_id, 5)

    assert first is not None
    assert first.title == "Crash on 100% load"
    assert (pull.number, as_issue, deleted) == (6, None, None)


def test_a_comment_moves_its_issue_up(sessions: sessionmaker[Session], repo_id: uuid.UUID) -> None:
    with sessions.begin() as session:
        issue = issues.find_issue_by_number(session, repo_id, 1)
        assert issue is not None
        for body in ("First", "Second"):
            comments.add_issue_comment(session, issue.id, issue.author_id, body, now=LATER)

    with sessions() as session:
        top = issues.list_issues(session, repo_id, sort=IssueSort.UPDATED).items[0]
        page = comments.list_issue_comments(session, top.id)

    assert (top.number, top.comments, top.updated_at) == (1, 2, LATER)
    assert [(row.author, row.body) for row in page.items] == [
        ("alice", "First"),
        ("alice", "Second"),
    ]


def test_a_comment_can_be_changed_and_removed(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    with sessions.begin() as session:
        issue = issues.find_issue_by_number(session, repo_id, 1)
        assert issue is not None
        said = comments.add_issue_comment(session, issue.id, issue.author_id, "Old", now=NOW)
    with sessions.begin() as session:
        comments.edit_comment(session, IssueComment, said.id, "New", now=LATER)
        edited = comments.list_issue_comments(session, issue.id).items[0]
        removed = [comments.delete_comment(session, IssueComment, said.id) for _ in range(2)]

    assert (edited.body, edited.created_at, edited.updated_at) == ("New", NOW, LATER)
    assert removed == [True, False]
    with pytest.raises(NotFoundError), sessions.begin() as session:
        comments.edit_comment(session, IssueComment, said.id, "Newer", now=LATER)
