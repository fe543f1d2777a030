"""What a server does beside answering goes on, whatever it met."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.services.pushes.test_journal import Site
from wit_admin.db.models.pushes import PushState
from wit_admin.services.jj.pushed_changes import list_due
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.web.background import keep_changes_indexed, keep_journal_settled


def test_journal_and_index_are_taken_up_again_when_a_schema_that_was_away_is_back(
    sessions: sessionmaker[Session], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(sessions, tmp_path)
    with site.servers.enrol() as enrolment:
        abandoned = site.journal(enrolment.server_id)
    rename_tables(sessions, "{}", "away_{}")

    async def work(flow: PushFlow) -> None:
        tasks = [
            asyncio.create_task(keep_journal_settled(flow, rest_s=0.01)),
            asyncio.create_task(keep_changes_indexed(flow.index, rest_s=0.01)),
        ]
        await reach(lambda: {fields["task"] for fields in noted(caplog)} == {"journal", "changes"})
        rename_tables(sessions, "away_{}", "{}")
        await reach(lambda: site.states()[abandoned] is not PushState.PENDING)
        await reach(lambda: not list_due(sessions))
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    with site.servers.enrol() as enrolment:
        asyncio.run(work(site.flow(enrolment.server_id)))

    assert all("schema" in str(fields["reason"]) for fields in noted(caplog)[:2])
    assert site.count_activities() == 1


def noted(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """Return the fields of the warnings so far."""
    return [record.__dict__["fields"] for record in caplog.records if record.levelname == "WARNING"]


def rename_tables(sessions: sessionmaker[Session], old: str, new: str) -> None:
    with sessions.begin() as session:
        for name in ("push_journal", "pushed_heads"):
            session.execute(text(f"ALTER TABLE {old.format(name)} RENAME TO {new.format(name)}"))


async def reach(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  nobody tells of it
            await asyncio.sleep(0.02)
