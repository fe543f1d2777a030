"""Issues and pull requests go from state to state, and their counters with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    LATER,
    NOW,
    make_demo,
    make_issue,
    make_pull_request,
    make_user,
    read_repository,
    run_at_once,
)
from wit_admin.db.models.issues import Issue, IssueState
from wit_admin.db.models.pull_requests import PullRequest, PullRequestState
from wit_admin.db.queries import issues, pull_requests
from wit_admin.errors import ConflictError, NotFoundError

Step = Callable[[Session, PullRequest], PullRequest]


def close(session: Session, pull: PullRequest) -> PullRequest:
    return pull_requests.close_pull_request(session, pull.id, now=LATER)


def reopen(session: Session, pull: PullRequest) -> PullRequest:
    return pull_requests.reopen_pull_request(session, pull.id, now=LATER)


def merge(session: Session, pull: PullRequest) -> PullRequest:
    return pull_requests.merge_pull_request(
        session, pull.id, by=pull.author_id, merge_sha="3" * 40, now=LATER
    )


def test_closing_and_reopening_an_issue_sets_times_and_counter(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)

    with sessions.begin() as session:
        closed = issues.close_issue(session, issue.id, by=user_id, now=LATER)
        count_when_closed = read_repository(session, repo_id).open_issues_count
    with sessions.begin() as session:
        reopened = issues.reopen_issue(session, issue.id, now=LATER)
        count_when_open = read_repository(session, repo_id).open_issues_count

    assert (closed.state, closed.closed_at) == (IssueState.CLOSED, LATER)
    assert (closed.closed_by_id, closed.updated_at) == (user_id, LATER)
    assert (reopened.state, reopened.closed_at, reopened.closed_by_id) == ("open", None, None)
    assert (count_when_closed, count_when_open) == (0, 1)


def test_closing_a_closed_issue_is_refused_and_changes_nothing(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)
        issues.close_issue(session, issue.id, by=user_id, now=NOW)

    with (
        pytest.raises(ConflictError, match=r"Issue #1 is closed already\."),
        sessions.begin() as session,
    ):
        issues.close_issue(session, issue.id, by=user_id, now=LATER)

    with sessions() as session:
        assert session.get_one(Issue, issue.id).closed_at == NOW
        assert read_repository(session, repo_id).open_issues_count == 0


def test_a_merge_records_who_when_and_which_commit(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        pull = make_pull_request(session, repo_id, user_id)

    with sessions.begin() as session:
        merged = merge(session, pull)
        count = read_repository(session, repo_id).open_prs_count

    assert (merged.state, merged.merged_at) == (PullRequestState.MERGED, LATER)
    assert (merged.merged_by_id, merged.merge_sha) == (user_id, "3" * 40)
    assert (merged.updated_at, merged.closed_at, count) == (LATER, None, 0)


@pytest.mark.parametrize(
    ("before", "step", "sentence"),
    [
        ([], reopen, "Pull request #1 is open already."),
        ([close], close, "Pull request #1 is closed already."),
        ([close], merge, "Pull request #1 is closed, and so cannot become merged."),
        ([merge], merge, "Pull request #1 is merged already."),
        ([merge], close, "Pull request #1 is merged, and so cannot become closed."),
        ([merge], reopen, "Pull request #1 is merged, and so cannot become open."),
    ],
)
def test_a_pull_request_refuses_what_its_state_forbids(
    sessions: sessionmaker[Session], before: list[Step], step: Step, sentence: str
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        pull = make_pull_request(session, repo_id, user_id)
        for earlier in before:
            pull = earlier(session, pull)
        count = read_repository(session, repo_id).open_prs_count

    with pytest.raises(ConflictError) as refused, sessions.begin() as session:
        step(session, pull)

    with sessions() as session:
        assert refused.value.message == sentence
        assert session.get_one(PullRequest, pull.id).state is pull.state
        assert read_repository(session, repo_id).open_prs_count == count


def test_a_draft_is_not_merged(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        pull = make_pull_request(session, repo_id, user_id, is_draft=True)

    with pytest.raises(ConflictError, match="is a draft"), sessions.begin() as session:
        merge(session, pull)

    with sessions.begin() as session:
        pull_requests.update_pull_request(session, pull.id, is_draft=False, now=NOW)
        assert merge(session, pull).state is PullRequestState.MERGED


def test_of_many_who_merge_or_close_at_once_one_wins(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        pull = make_pull_request(session, repo_id, user_id)
        make_pull_request(session, repo_id, user_id)

    def run(step: Step) -> None:
        with sessions.begin() as session:
            step(session, pull)

    steps = [merge, close] * 4
    raised = run_at_once([lambda step=step: run(step) for step in steps])  # type: ignore[misc]

    with sessions() as session:
        end = session.get_one(PullRequest, pull.id).state
        winners = [step for step, error in zip(steps, raised, strict=True) if error is None]
        assert [type(error) for error in raised if error] == [ConflictError] * 7
        assert winners == [merge if end is PullRequestState.MERGED else close]
        assert read_repository(session, repo_id).open_prs_count == 1


@pytest.mark.parametrize("is_closed_first", [False, True])
def test_deleting_keeps_the_counters_true_and_the_number_taken(
    sessions: sessionmaker[Session], *, is_closed_first: bool
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)
        pull = make_pull_request(session, repo_id, user_id)
        if is_closed_first:
            issues.close_issue(session, issue.id, by=None, now=NOW)
            close(session, pull)

    with sessions.begin() as session:
        first = issues.delete_issue(session, issue.id, now=LATER)
        again = issues.delete_issue(session, issue.id, now=LATER)
        pull_requests.delete_pull_request(session, pull.id, now=LATER)
        new = make_issue(session, repo_id, user_id)

    with sessions() as session:
        repository = read_repository(session, repo_id)
        assert (first, again, new.number) == (True, False, 3)
        assert (repository.open_issues_count, repository.open_prs_count) == (1, 0)
        assert issues.find_issue(session, issue.id) is None
        assert pull_requests.find_pull_request_by_number(session, repo_id, 2) is None


def test_what_is_deleted_cannot_be_closed(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)
        issues.delete_issue(session, issue.id, now=NOW)

    with pytest.raises(NotFoundError), sessions.begin() as session:
        issues.close_issue(session, issue.id, by=user_id, now=LATER)


def test_editing_moves_the_time_and_nothing_else(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        bob = make_user(session, "bob")
        issue = make_issue(session, repo_id, user_id, "Old")

    with sessions.begin() as session:
        edited = issues.update_issue(session, issue.id, title="New", assignee_id=bob, now=LATER)
        emptied = issues.update_issue(session, issue.id, assignee_id=None, now=LATER)

    moment: datetime = edited.updated_at
    assert (edited.title, moment, edited.created_at) == ("New", LATER, NOW)
    assert (emptied.assignee_id, emptied.number, emptied.state) == (None, 1, IssueState.OPEN)
