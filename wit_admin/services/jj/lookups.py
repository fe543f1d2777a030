"""Finds the change, commit or bookmark that a user named, in the rows of a repository."""

from __future__ import annotations

import re
import uuid
from typing import TypeVar

from sqlalchemy.orm import Session

from wit_admin.db.paging import Page, PageRequest
from wit_admin.db.queries import jj_bookmarks, jj_changes, jj_state, repositories
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.services.jj.rows import key_text

T = TypeVar("T")

_SHOWN_AMBIGUOUS = 5
_SHOWN_LENGTH = 70
_PREFIX = re.compile(r"[k-z]{1,32}|[0-9a-f]{1,64}")


def resolve_change(session: Session, repo_id: uuid.UUID, prefix: str) -> str:
    """Return the one change whose id, or the id of a commit of it, begins with ``prefix``.

    Raises:
        NotFoundError: There is none, or nothing was ever synced.
        InvalidInputError: No id can begin so, or several do.
    """
    text = prefix.lower()
    if not _PREFIX.fullmatch(text):
        raise InvalidInputError(
            f"{prefix[:_SHOWN_LENGTH]!r} is no change id.",
            hint="Change ids are letters from k to z; a commit id in hexadecimal will do, too.",
        )
    found = jj_changes.list_by_prefix(session, repo_id, text, limit=_SHOWN_AMBIGUOUS + 1)
    distinct = list(dict.fromkeys(found))
    if not distinct:
        require_changes(session, repo_id)
        raise NotFoundError(f"There is no change {prefix}.")
    if len(distinct) > 1:
        some = ", ".join(each[:12] for each in distinct[:_SHOWN_AMBIGUOUS])
        more = ", …" if len(distinct) > _SHOWN_AMBIGUOUS else ""
        raise InvalidInputError(
            f"{prefix} is ambiguous: several changes begin so.", hint=f"They are {some}{more}"
        )
    return distinct[0]


def bookmark_targets(session: Session, repo_id: uuid.UUID, text: str) -> list[str]:
    """Return the commits that ``main`` or ``main@origin`` names; a name may hold ``@``, too.

    Raises:
        NotFoundError: There is no such bookmark, or nothing was ever synced.
    """
    name, at, remote = text.rpartition("@")
    for wanted, place in ((text, ""), *([(name, remote)] if at else [])):
        for row in jj_bookmarks.list_bookmarks_named(session, repo_id, key_text(wanted)):
            if row.remote == key_text(place):
                return [term for term in row.terms[::2] if term is not None]
    require_synced(session, repo_id)
    raise NotFoundError(
        f"There is no bookmark {text}.", hint="One of a remote is written NAME@REMOTE."
    )


def require_synced(session: Session, repo_id: uuid.UUID) -> None:
    """Raise an error if the repository was never synced.

    Raises:
        NotFoundError: It was never synced.
    """
    state = jj_state.find_state(session, repo_id)
    if state is None or state.synced_at is None:
        name = repositories.find_name(session, repo_id)
        raise NotFoundError(
            f"Nothing was synced yet from a jj repository of {name}.",
            hint=f"'wit-admin watch sync {name}' does it, or says what is in the way.",
        )


def require_changes(session: Session, repo_id: uuid.UUID) -> tuple[tuple[str, ...], ...]:
    """Return the state of the changes in the rows, which come from a sync or from pushes.

    Raises:
        NotFoundError: Nothing was ever synced or pushed.
    """
    moment = jj_state.find_moment(session, repo_id)
    if moment is None:
        require_synced(session, repo_id)
    return moment or ()


def require_rows(session: Session, repo_id: uuid.UUID, page: Page[T], at: PageRequest) -> None:
    """Raise an error if a list is empty because nothing was ever synced.

    Raises:
        NotFoundError: Nothing was ever synced.
    """
    if not page.items and at.cursor is None:
        require_synced(session, repo_id)
