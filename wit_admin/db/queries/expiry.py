"""Deletes rows that ended long ago, a bounded number in each transaction."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from wit_admin.db.base import first_id_at
from wit_admin.db.models.accounts import AccessToken, UserSession
from wit_admin.db.models.pushes import PushEntry, PushState

BATCH = 5000


def delete_ended_sessions(session: Session, before: datetime) -> int:
    """Delete sessions that ran out or were revoked ``before``, :data:`BATCH` at most."""
    ended = or_(UserSession.expires_at < before, UserSession.revoked_at < before)
    return _delete_some(session, UserSession.id, ended)


def delete_ended_tokens(session: Session, before: datetime) -> int:
    """Delete tokens that ran out or were revoked ``before``, :data:`BATCH` at most."""
    ended = or_(AccessToken.expires_at < before, AccessToken.revoked_at < before)
    return _delete_some(session, AccessToken.id, ended)


def delete_settled_pushes(session: Session, before: datetime) -> int:
    """Delete settled entries of the push journal made ``before``, :data:`BATCH` at most."""
    # Ids begin with the time of their creation, and unlike that column they have an index.
    settled = and_(PushEntry.id < first_id_at(before), PushEntry.state == PushState.SETTLED)
    return _delete_some(session, PushEntry.id, settled)


def _delete_some(
    session: Session, key: InstrumentedAttribute[uuid.UUID], which: ColumnElement[bool]
) -> int:
    ids = session.scalars(select(key).where(which).order_by(key).limit(BATCH)).all()
    if ids:
        session.execute(
            delete(key.class_).where(key.in_(ids)).execution_options(synchronize_session=False)
        )
    return len(ids)
