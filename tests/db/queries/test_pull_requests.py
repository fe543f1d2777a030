"""Pull requests: what lists find, reviews and their verdicts, comments on lines."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import LATER, NOW, make_demo, make_pull_request, make_user
from wit_admin.db.models.pull_requests import (
    DiffSide,
    PrComment,
    PullRequest,
    PullRequestState,
    ReviewState,
)
from wit_admin.db.queries import comments, labels, pull_requests, reviews
from wit_admin.db.queries.comments import DiffLine, NewPrComment
from wit_admin.db.queries.pull_requests import PullRequestFilter
from wit_admin.db.queries.reviews import NewReview
from wit_admin.errors import ConflictError, NotFoundError

HEAD = "1" * 40


FILTERED = [
    (PullRequestFilter(), [4, 3, 2, 1]),
    (PullRequestFilter(state=PullRequestState.OPEN), [2, 1]),
    (PullRequestFilter(state=PullRequestState.MERGED), [4]),
    (PullRequestFilter(author="Bob"), [4, 3, 2]),
    (PullRequestFilter(labels=("bug",)), [1]),
    (PullRequestFilter(title="FIX"), [2, 1]),
    (PullRequestFilter(is_draft=True), [2]),
    (PullRequestFilter(is_draft=False), [4, 3, 1]),
    (PullRequestFilter(source_branch="other"), [3]),
    (PullRequestFilter(target_branch="release"), [4]),
    (PullRequestFilter(target_branch="main", state=PullRequestState.MERGED), []),
]


@pytest.fixture
def repo_id(sessions: sessionmaker[Session]) -> uuid.UUID:
    """Four pull requests: open, draft, closed and merged."""
    with sessions.begin() as session:
        alice, repo_id = make_demo(session)
        bob = make_user(session, "bob")
        bug = labels.create_label(session, repo_id, "bug")
        first = make_pull_request(session, repo_id, alice, "Fix the crash")
        labels.set_labels(session, first, [bug.id])
        make_pull_request(session, repo_id, bob, "Draft of a fix", is_draft=True)
        closed = make_pull_request(session, repo_id, bob, "No", source_branch="other")
        pull_requests.close_pull_request(session, closed.id, now=NOW)
        merged = make_pull_request(session, repo_id, bob, "Yes", target_branch="release")
        pull_requests.merge_pull_request(session, merged.id, by=alice, merge_sha="3" * 40, now=NOW)
    return repo_id


@pytest.fixture
def pull(sessions: sessionmaker[Session]) -> PullRequest:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        return make_pull_request(session, repo_id, user_id)


def test_a_list_is_what_the_filter_asks_for(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    found = []
    with sessions() as session:
        for wanted, _ in FILTERED:
            page = pull_requests.list_pull_requests(session, repo_id, wanted)
            found.append((wanted, [row.number for row in page.items]))

    assert found == FILTERED


def test_a_listed_pull_request_has_names_for_ids(
    sessions: sessionmaker[Session], repo_id: uuid.UUID
) -> None:
    with sessions() as session:
        row = pull_requests.list_pull_requests(session, repo_id).items[-1]
        found = pull_requests.find_pull_request_by_number(session, repo_id, 1)

    assert (row.author, row.labels) == ("alice", ("bug",))
    assert (row.source_branch, row.target_branch, row.head_sha) == ("topic", "main", HEAD)
    assert found is not None
    assert found.id == row.id


def test_the_latest_verdict_of_each_reviewer_counts(
    sessions: sessionmaker[Session], pull: PullRequest
) -> None:
    said = [
        ("bob", ReviewState.APPROVED),
        ("bob", ReviewState.CHANGES_REQUESTED),
        ("carol", ReviewState.CHANGES_REQUESTED),
        ("carol", ReviewState.APPROVED),
        ("carol", ReviewState.COMMENTED),
        ("dora", ReviewState.COMMENTED),
        ("emil", ReviewState.PENDING),
    ]
    with sessions.begin() as session:
        people = {name: make_user(session, name) for name in ("emil", "dora", "carol", "bob")}
        for minutes, (name, state) in enumerate(said):
            moment = NOW + timedelta(minutes=minutes)
            new = NewReview(pull.id, people[name], state, commit_sha=HEAD)
            reviews.create_review(session, new, now=moment)

    with sessions() as session:
        verdicts = reviews.list_verdicts(session, pull.id)
        listed = reviews.list_reviews(session, pull.id)

    assert list(verdicts.items()) == [
        ("bob", ReviewState.CHANGES_REQUESTED),
        ("carol", ReviewState.APPROVED),
        ("dora", ReviewState.COMMENTED),
    ]
    assert [(row.reviewer, row.state) for row in listed.items] == said[:-1]


def test_a_pending_review_counts_from_when_it_is_submitted(
    sessions: sessionmaker[Session], pull: PullRequest
) -> None:
    with sessions.begin() as session:
        bob = make_user(session, "bob")
        pending = reviews.create_review(
            session, NewReview(pull.id, bob, ReviewState.PENDING, HEAD), now=NOW
        )
        reviews.create_review(
            session,
            NewReview(pull.id, bob, ReviewState.APPROVED, HEAD),
            now=NOW + timedelta(minutes=1),
        )
        line = DiffLine("main.py", 3, DiffSide.RIGHT, HEAD)
        new = NewPrComment(pull.id, bob, "Why?", place=line, review_id=pending.id)
        comments.add_pr_comment(session, new, now=NOW)
        hidden = comments.list_pr_comments(session, pull.id).items

    with sessions.begin() as session:
        state = ReviewState.CHANGES_REQUESTED
        reviews.submit_review(session, pending.id, state=state, now=LATER)
        verdicts = reviews.list_verdicts(session, pull.id)
        shown = comments.list_pr_comments(session, pull.id).items

    assert verdicts == {"bob": ReviewState.CHANGES_REQUESTED}
    assert (hidden, [row.body for row in shown]) == ((), ["Why?"])
    with pytest.raises(ConflictError), sessions.begin() as session:
        reviews.submit_review(session, pending.id, state=ReviewState.APPROVED, now=LATER)


def test_comments_stand_on_lines_and_answer_each_other(
    sessions: sessionmaker[Session], pull: PullRequest
) -> None:
    place = DiffLine("src/main.py", 12, DiffSide.LEFT, HEAD)
    with sessions.begin() as session:
        author = pull.author_id
        asked = comments.add_pr_comment(
            session, NewPrComment(pull.id, author, "Why?", place=place), now=NOW
        )
        comments.add_pr_comment(
            session,
            NewPrComment(pull.id, author, "Because", place=place, reply_to_id=asked.id),
            now=LATER,
        )
        comments.add_pr_comment(session, NewPrComment(pull.id, author, "Fine"), now=LATER)

    with sessions() as session:
        on_file = comments.list_pr_comments(session, pull.id, path="src/main.py").items
        everywhere = comments.list_pr_comments(session, pull.id).items
        moved = session.get_one(PullRequest, pull.id).updated_at

    assert [(row.body, row.line, row.side) for row in on_file] == [
        ("Why?", 12, DiffSide.LEFT),
        ("Because", 12, DiffSide.LEFT),
    ]
    assert on_file[1].reply_to_id == asked.id
    assert [row.body for row in everywhere] == ["Why?", "Because", "Fine"]
    assert moved == LATER


def test_a_reply_outlives_what_it_answers(
    sessions: sessionmaker[Session], pull: PullRequest
) -> None:
    with sessions.begin() as session:
        author = pull.author_id
        asked = comments.add_pr_comment(session, NewPrComment(pull.id, author, "Why?"), now=NOW)
        reply = NewPrComment(pull.id, author, "Because", reply_to_id=asked.id)
        comments.add_pr_comment(session, reply, now=NOW)

    with sessions.begin() as session:
        comments.delete_comment(session, PrComment, asked.id)

    with sessions() as session:
        (left,) = comments.list_pr_comments(session, pull.id).items
        assert (left.body, left.reply_to_id) == ("Because", None)


def test_a_reply_stays_within_its_pull_request(
    sessions: sessionmaker[Session], pull: PullRequest
) -> None:
    with sessions.begin() as session:
        other = make_pull_request(session, pull.repo_id, pull.author_id)
        asked = comments.add_pr_comment(
            session, NewPrComment(other.id, pull.author_id, "Why?"), now=NOW
        )

    reply = NewPrComment(pull.id, pull.author_id, "Because", reply_to_id=asked.id)
    with pytest.raises(NotFoundError), sessions.begin() as session:
        comments.add_pr_comment(session, reply, now=NOW)
