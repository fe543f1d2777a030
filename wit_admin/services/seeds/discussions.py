"""Writes issues, pull requests, reviews and comments, with their activities."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from wit_admin.db.models.issues import Issue
from wit_admin.db.models.pull_requests import DiffSide, PullRequest
from wit_admin.db.queries import comments, issues, labels, pull_requests, reviews
from wit_admin.db.queries.comments import DiffLine, NewPrComment
from wit_admin.db.queries.issues import NewIssue
from wit_admin.db.queries.pull_requests import NewPullRequest
from wit_admin.db.queries.reviews import NewReview
from wit_admin.services.seeds.rows import Writer
from wit_admin.services.seeds.site import CommentSeed, IssueSeed, PullRequestSeed, after

_PAUSE = timedelta(minutes=20)
"""Between two things that people say."""


def write_discussions(writer: Writer, *, about: uuid.UUID) -> None:
    """Write all issues and pull requests of ``about``, which is the original for a fork."""
    for item in writer.seed.discussions:
        if isinstance(item, IssueSeed):
            _write_issue(writer, about, item)
        else:
            _write_pull_request(writer, about, item)


def _write_issue(writer: Writer, repo_id: uuid.UUID, seed: IssueSeed) -> None:
    session, author, at = writer.session, writer.user(seed.author), after(seed.at)
    assignee = writer.user(seed.assignee) if seed.assignee else None
    issue = issues.create_issue(
        session, NewIssue(repo_id, author, seed.title, seed.body, assignee), now=at
    )
    _set_labels(writer, issue, seed.labels)
    _tell(writer, "issue_opened", author, at, issue)
    for number, comment in enumerate(seed.comments, start=1):
        said = at + number * _PAUSE if comment.at is None else after(comment.at)
        user_id = writer.user(comment.author)
        comments.add_issue_comment(session, issue.id, user_id, comment.body, now=said)
    if seed.closed is not None:
        closer, closed = writer.user(seed.closed[0]), after(seed.closed[1])
        issues.close_issue(session, issue.id, by=closer, now=closed)
        _tell(writer, "issue_closed", closer, closed, issue)


def _write_pull_request(writer: Writer, repo_id: uuid.UUID, seed: PullRequestSeed) -> None:
    author, at = writer.user(seed.author), after(seed.at)
    new = NewPullRequest(
        repo_id=repo_id,
        author_id=author,
        title=seed.title,
        body=seed.body,
        source_branch=seed.source,
        target_branch=seed.target,
        source_repo_id=None if repo_id == writer.repo_id else writer.repo_id,
        head_sha=writer.oids[seed.head],
        base_sha=writer.oids[seed.base],
        is_draft=seed.is_draft,
    )
    pull = pull_requests.create_pull_request(writer.session, new, now=at)
    _set_labels(writer, pull, seed.labels)
    _tell(writer, "pr_opened", author, at, pull)
    _write_reviews(writer, pull, seed)
    for number, comment in enumerate(seed.comments, start=len(seed.reviews) + 1):
        _write_comment(writer, pull, comment, at + number * _PAUSE)
    _finish(writer, pull, seed)


def _write_reviews(writer: Writer, pull: PullRequest, seed: PullRequestSeed) -> None:
    for number, review in enumerate(seed.reviews, start=1):
        at = after(seed.at) + number * _PAUSE
        reviewer = writer.user(review.reviewer)
        new = NewReview(pull.id, reviewer, review.state, pull.head_sha, review.body)
        reviews.create_review(writer.session, new, now=at)
        _tell(writer, "pr_reviewed", reviewer, at, pull)


def _write_comment(writer: Writer, pull: PullRequest, comment: CommentSeed, at: datetime) -> None:
    place = None
    if comment.path is not None and comment.line is not None:
        place = DiffLine(comment.path, comment.line, DiffSide.RIGHT, pull.head_sha)
    new = NewPrComment(pull.id, writer.user(comment.author), comment.body, place=place)
    comments.add_pr_comment(writer.session, new, now=at)


def _finish(writer: Writer, pull: PullRequest, seed: PullRequestSeed) -> None:
    if seed.merge is not None:
        commit = next(c for c in writer.seed.history.commits if c.key == seed.merge)
        merger = writer.names.committers[commit.author.email]
        pull_requests.merge_pull_request(
            writer.session, pull.id, by=merger, merge_sha=writer.oids[seed.merge], now=commit.at
        )
        _tell(writer, "pr_merged", merger, commit.at, pull)
    elif seed.is_closed:
        closed = after(seed.at) + (len(seed.reviews) + len(seed.comments) + 1) * _PAUSE
        pull_requests.close_pull_request(writer.session, pull.id, now=closed)
        _tell(writer, "pr_closed", pull.author_id, closed, pull)


def _set_labels(writer: Writer, target: Issue | PullRequest, names: Sequence[str]) -> None:
    found = (labels.find_label(writer.session, target.repo_id, name) for name in names)
    labels.set_labels(writer.session, target, [label.id for label in found if label])


def _tell(
    writer: Writer, kind: str, actor_id: uuid.UUID, at: datetime, about: Issue | PullRequest
) -> None:
    writer.tell(kind, actor_id, at, repo_id=about.repo_id, payload={"number": about.number})
