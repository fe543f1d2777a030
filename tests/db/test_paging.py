"""Pages by key: whole, without repeats, whatever is written meanwhile."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo, make_issue
from wit_admin.db.models.issues import Issue
from wit_admin.db.paging import Order, PageRequest, parse_cursor, render_cursor
from wit_admin.db.queries import issues
from wit_admin.db.queries.issues import IssueSort
from wit_admin.errors import InvalidInputError

UPDATED = IssueSort.UPDATED.value


@pytest.mark.parametrize("sort", list(IssueSort))
def test_pages_together_are_the_list(sessions: sessionmaker[Session], sort: IssueSort) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        for number in range(7):
            # Pairs share a moment, so that the key's second column has to tell them apart.
            moment = NOW + timedelta(microseconds=number // 2)
            make_issue(session, repo_id, user_id, f"issue {number}", now=moment)

    with sessions() as session:
        whole = issues.list_issues(session, repo_id, sort=sort)
        titles, cursor, pages = [], None, 0
        while pages == 0 or cursor:
            page = issues.list_issues(session, repo_id, sort=sort, at=PageRequest(3, cursor))
            titles += [row.title for row in page.items]
            cursor, pages = page.next_cursor, pages + 1

    assert titles == [row.title for row in whole.items]
    assert sorted(titles) == [f"issue {number}" for number in range(7)]
    assert (pages, whole.next_cursor) == (3, None)


def test_a_full_last_page_has_no_next(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        for _ in range(2):
            make_issue(session, repo_id, user_id)

    with sessions() as session:
        page = issues.list_issues(session, repo_id, at=PageRequest(2))

    assert (len(page.items), page.next_cursor) == (2, None)


def test_what_is_written_between_two_pages_shifts_nothing(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        for _ in range(6):
            make_issue(session, repo_id, user_id)
    with sessions() as session:
        first = issues.list_issues(session, repo_id, at=PageRequest(3))

    with sessions.begin() as session:
        make_issue(session, repo_id, user_id)
        issues.delete_issue(session, first.items[2].id, now=NOW)
    with sessions() as session:
        second = issues.list_issues(session, repo_id, at=PageRequest(3, first.next_cursor))

    assert [row.number for row in first.items] == [6, 5, 4]
    assert [row.number for row in second.items] == [3, 2, 1]


def test_a_cursor_gives_back_its_key(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        issue = make_issue(session, repo_id, user_id)

    key = (issue.updated_at, issue.id)

    assert parse_cursor(UPDATED, render_cursor(UPDATED, key)) == key


def forged(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "é",
        "!!!",
        "bm90IGpzb24",
        forged(),
        forged("issues.oldest", 1),
        forged("issues.updated", 1),
        forged("issues.updated", "1", "0" * 32),
        forged("issues.updated", 1.5, "0" * 32),
        forged("issues.updated", 2**63, "0" * 32),
        forged("issues.updated", 2**62, "0" * 32),
        forged("issues.updated", 1, 1),
        forged("issues.updated", 1, "\ud800"),
        forged("issues.updated", 1, "nothing"),
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInputError, match="does not belong"):
        parse_cursor(UPDATED, cursor)


@given(st.text())
def test_no_text_but_a_cursor_is_taken(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_cursor(UPDATED, text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_any_number_comes_back(number: int) -> None:
    order = Order("numbers", (Issue.number,))

    assert parse_cursor(order, render_cursor(order, [number])) == (number,)


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_page_is_neither_empty_nor_endless(limit: int) -> None:
    with pytest.raises(InvalidInputError, match="between 1 and 1000"):
        PageRequest(limit)
