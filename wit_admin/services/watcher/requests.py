"""Syncs a jj repository on request over HTTP; errors name no folders outside the root."""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import JjError
from wit_admin.services.audit.trail import Origin
from wit_admin.services.jj.sync import JjSyncOptions
from wit_admin.services.lookups import get_repository_name
from wit_admin.services.watcher.recorded_sync import SyncReport
from wit_admin.services.watcher.watching import sync_now


def sync_on_request(
    sessions: sessionmaker[Session],
    root: Path,
    repo_id: uuid.UUID,
    *,
    options: JjSyncOptions,
    by: Origin,
) -> SyncReport:
    """Bring the rows of a repository up to date, whether it is watched or not.

    Raises:
        NotFoundError: It was deleted meanwhile.
        JjError: It has no jj repository, or one that cannot be read; the message names no folder
            above the repositories.
        BusyError: Other processes kept syncing it.
    """
    with sessions() as session:
        name = get_repository_name(session, repo_id)
    try:
        return sync_now(sessions, root, name, options=options, by=by)
    except JjError as error:
        raise without_place(error, root) from None


def without_place(error: JjError, root: Path) -> JjError:
    """Return the error with the root's path removed, for clients who do not run the server."""

    def told(text: str) -> str:
        return text.replace(f"{root}/", "").replace(str(root), "the repositories")

    hint = None if error.hint is None else told(error.hint)
    return type(error)(told(error.message), hint=hint)
