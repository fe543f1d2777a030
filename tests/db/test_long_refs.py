"""The longest ref that a push may move can be written down on every engine."""

from __future__ import annotations

import random

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.rows import fill
from wit_admin.db.base import new_id
from wit_admin.db.models.events import Activity
from wit_admin.db.queries.activities import insert_activities
from wit_admin.git.pushes.commands import MAX_REF_BYTES
from wit_admin.git.refs.names import ref_text


def test_longest_ref_without_utf8_fits(engine: Engine, sessions: sessionmaker[Session]) -> None:
    # No two alike, so that compression does not make it fit.
    raw = bytes(random.Random(3).choices(range(128, 256), k=MAX_REF_BYTES))
    ref, push_id = ref_text(raw), new_id()
    with engine.begin() as connection:
        repo_id = fill(connection)["repositories"]["id"]

    with sessions.begin() as session:
        row = {"actor_id": None, "repo_id": repo_id, "type": "push", "ref": ref, "push_id": push_id}
        insert_activities(session, [row])

    with sessions() as session:
        query = select(Activity.ref).where(Activity.push_id == push_id)
        assert session.scalars(query).one() == ref
