"""Labels of a repository, and which issues and pull requests have them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from wit_admin.db.base import new_id
from wit_admin.db.models.issues import Issue, IssueLabel, Label
from wit_admin.db.models.pull_requests import PrLabel, PullRequest
from wit_admin.db.statements import insert_new, refuse_duplicates
from wit_admin.errors import NotFoundError
from wit_admin.names import name_key

DEFAULT_COLOR = "888888"

_LINKS: dict[type[Issue | PullRequest], tuple[type[IssueLabel | PrLabel], str]] = {
    Issue: (IssueLabel, "issue_id"),
    PullRequest: (PrLabel, "pr_id"),
}


class LabelEdit(TypedDict, total=False):
    """What may be changed of a label."""

    name: str
    color: str
    description: str | None


def create_label(
    session: Session,
    repo_id: uuid.UUID,
    name: str,
    *,
    color: str = DEFAULT_COLOR,
    description: str | None = None,
) -> Label:
    """Create a label; names differ in more than case.

    Raises:
        ConflictError: The repository has a label of that name.
    """
    label = Label(
        id=new_id(), repo_id=repo_id, name=name, color=color.lower(), description=description
    )
    with refuse_duplicates(session, f"There is a label {name!r} already."):
        session.add(label)
    return label


def find_label(session: Session, repo_id: uuid.UUID, name: str) -> Label | None:
    """Return the repository's label of that name, in any case."""
    return session.scalars(
        select(Label).where(Label.repo_id == repo_id, Label.name_key == name_key(name))
    ).one_or_none()


def list_labels(session: Session, repo_id: uuid.UUID) -> list[Label]:
    """Return a repository's labels by name."""
    query = select(Label).where(Label.repo_id == repo_id).order_by(Label.name_key)
    return list(session.scalars(query))


def update_label(session: Session, label_id: uuid.UUID, **edit: Unpack[LabelEdit]) -> Label:
    """Change name, colour or description of a label.

    Raises:
        NotFoundError: There is no such label.
        ConflictError: Another label has that name.
    """
    label = session.get(Label, label_id, populate_existing=True)
    if label is None:
        raise NotFoundError("There is no such label.")
    with refuse_duplicates(session, f"There is a label {edit.get('name')!r} already."):
        for column, value in edit.items():
            setattr(label, column, value)
        label.name_key = name_key(label.name)
    return label


def delete_label(session: Session, label_id: uuid.UUID) -> bool:
    """Remove a label everywhere; return false if there was none."""
    statement = delete(Label).where(Label.id == label_id).returning(Label.id)
    return session.scalars(statement).one_or_none() is not None


def add_label(session: Session, target: Issue | PullRequest, label_id: uuid.UUID) -> bool:
    """Add a label to an issue or a pull request; return false if it was there already.

    Raises:
        NotFoundError: The target's repository has no such label.
    """
    _check_labels(session, target.repo_id, {label_id})
    link, column = _LINKS[type(target)]
    return insert_new(session, link, label_id=label_id, **{column: target.id})


def remove_label(session: Session, target: Issue | PullRequest, label_id: uuid.UUID) -> bool:
    """Remove a label from an issue or a pull request; return false if it was not there."""
    link, column = _link_of(type(target))
    statement = delete(link).where(column == target.id, link.label_id == label_id)
    return session.execute(statement.returning(link.label_id)).first() is not None


def set_labels(
    session: Session, target: Issue | PullRequest, label_ids: Collection[uuid.UUID]
) -> None:
    """Replace the labels of an issue or a pull request by these.

    Raises:
        NotFoundError: The target's repository lacks one of them.
    """
    wanted = set(label_ids)
    _check_labels(session, target.repo_id, wanted)
    link, column = _link_of(type(target))
    session.execute(delete(link).where(column == target.id, link.label_id.not_in(wanted)))
    for label_id in sorted(wanted):
        insert_new(session, link, **{column.key: target.id, "label_id": label_id})


def label_names(
    session: Session, model: type[Issue | PullRequest], row_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[str, ...]]:
    """Return the label names of each row that has any, by name."""
    link, column = _link_of(model)
    rows = session.execute(
        select(column, Label.name)
        .join(Label, Label.id == link.label_id)
        .where(column.in_(row_ids))
        .order_by(Label.name_key)
    )
    names: dict[uuid.UUID, tuple[str, ...]] = {}
    for row_id, name in rows:
        names[row_id] = (*names.get(row_id, ()), name)
    return names


def has_labels(
    model: type[Issue | PullRequest], names: Collection[str]
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row has each of the labels of these names."""
    link, column = _link_of(model)
    return [
        model.id.in_(
            select(column)
            .join(Label, Label.id == link.label_id)
            .where(Label.name_key == name_key(name))
        )
        for name in names
    ]


def _link_of(
    model: type[Issue | PullRequest],
) -> tuple[type[IssueLabel | PrLabel], InstrumentedAttribute[uuid.UUID]]:
    link, name = _LINKS[model]
    return link, getattr(link, name)


def _check_labels(session: Session, repo_id: uuid.UUID, label_ids: set[uuid.UUID]) -> None:
    found = session.scalars(
        select(Label.id).where(Label.repo_id == repo_id, Label.id.in_(label_ids))
    )
    if label_ids - set(found):
        raise NotFoundError("The repository has no such label.")
