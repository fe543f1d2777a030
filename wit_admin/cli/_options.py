"""Options that several commands share, and functions that read them."""

from __future__ import annotations

import enum
import pwd
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from wit_admin.cli._login import login_uid
from wit_admin.cli._output import Output
from wit_admin.errors import InvalidInputError
from wit_admin.names import name_key
from wit_admin.setting_values import parse_lifetime
from wit_admin.settings import Loaded, load_settings

if TYPE_CHECKING:
    from wit_admin.db.models.organizations import OrgRole, Permission
    from wit_admin.db.paging import Span
    from wit_admin.services.access.actors import Scope
    from wit_admin.services.audit.trail import Origin

E = TypeVar("E", bound=enum.StrEnum)


def _printable_only(text: str) -> str:
    if not text.isprintable():
        raise InvalidInputError("The search text has control characters.")
    return text


Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Which repository")]
User = Annotated[str, typer.Argument(metavar="USER", help="Name of the account")]
Account = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account")]
Team = Annotated[str, typer.Argument(metavar="ORG/TEAM", help="Which team")]
Email = Annotated[str | None, typer.Option(help="E-mail address")]
Grant = Annotated[str, typer.Option(help="read, write or admin")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
AfterId = Annotated[
    str | None, typer.Option("--after", metavar="ID", help="Continue after this id")
]
TransferTo = Annotated[
    str | None, typer.Option(metavar="OWNER", help="Transfer its repositories to this owner first")
]
TrashRepositories = Annotated[
    bool, typer.Option("--trash-repositories", help="Move its repositories to the trash first")
]
IfNotExists = Annotated[
    bool, typer.Option("--if-not-exists", help="Change nothing if it exists already")
]
Match = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="Only names that contain this text", callback=_printable_only
    ),
]
Limit = Annotated[int | None, typer.Option(help="How many at most", min=1, max=1_000_000)]
PageLimit = Annotated[int, typer.Option(help="How many at most", min=1, max=1000)]
AfterCursor = Annotated[
    str | None,
    typer.Option("--after", metavar="CURSOR", help="Continue where the last page ended"),
]
AfterName = Annotated[
    str | None, typer.Option("--after", metavar="NAME", help="Continue after this name")
]


@dataclass(slots=True)
class State:
    """The values of the root options."""

    flags: dict[str, str | None] = field(default_factory=dict)
    quiet: bool = False
    as_json: bool = False
    log_level: str | None = None
    """The level from the settings, once they are loaded."""

    @property
    def is_debugging(self) -> bool:
        """Whether to show tracebacks."""
        return "debug" in {self.flags.get("log_level"), self.log_level}


def command_group(summary: str, *, example: str) -> typer.Typer:
    """Create a group of commands; ``summary`` is imperative and has no full stop.

    Typer would turn a group with a single command into that command; this one stays a group.
    """
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        help=f"{summary}\n\nExample: {example}",
    )
    group.callback()(_nothing)
    return group


def part_by_name(after: str | None, limit: int | None) -> Span:
    """Return the part, by ``--after`` and ``--limit``, of a list that is sorted by name."""
    from wit_admin.db.paging import Span

    return Span(None if after is None else name_key(after), limit)


def part_by_id(after: str | None, limit: int | None) -> Span:
    """Return the part, by ``--after`` and ``--limit``, of a list that is sorted by id.

    Raises:
        InvalidInputError: ``after`` is not an id.
    """
    from wit_admin.db.paging import Span

    return Span(None if after is None else id_of(after), limit)


def texts_of(**given: str | None) -> Any:
    """Return the fields that were given; an empty text clears a field (``None``)."""
    return {name: text or None for name, text in given.items() if text is not None}


def require_changes(changes: Mapping[str, object]) -> None:
    """Refuse an edit that changes nothing.

    Raises:
        InvalidInputError: No option was given.
    """
    if not changes:
        raise InvalidInputError("Nothing to change.", hint="Give at least one option.")


def permission_of(text: str) -> Permission:
    """Read what ``--permission`` was given.

    Raises:
        InvalidInputError: It is not a permission.
    """
    from wit_admin.db.models.organizations import Permission

    return member_of(Permission, text, "permission")


def role_of(text: str) -> OrgRole:
    """Read what ``--role`` was given.

    Raises:
        InvalidInputError: It is not a role.
    """
    from wit_admin.db.models.organizations import OrgRole

    return member_of(OrgRole, text, "role")


def scope_of(text: str) -> Scope:
    """Read what ``--scope`` was given.

    Raises:
        InvalidInputError: It is not a scope.
    """
    from wit_admin.services.access.actors import Scope

    return member_of(Scope, text, "scope")


def loaded_of(ctx: typer.Context, **flags: str | None) -> Loaded:
    """Load the settings, with this command's flags on top."""
    state: State = ctx.obj
    loaded = load_settings({**state.flags, **flags})
    state.log_level = loaded.settings.log_level
    return loaded


def output_of(ctx: typer.Context, *, as_json: bool) -> Output:
    """Return the output of this command."""
    state: State = ctx.obj
    return Output(as_json=as_json, quiet=state.quiet)


def origin_of() -> Origin:
    """Return who runs this command, for the audit trail."""
    from wit_admin.db.models.events import AuditOrigin
    from wit_admin.services.audit.trail import Origin

    uid = login_uid()
    try:
        login = pwd.getpwuid(uid).pw_name
    except KeyError:  # in a container the user may have no name
        login = None
    return Origin(AuditOrigin.CLI, os_uid=uid, os_login=login)


def lifetime_of(text: str) -> timedelta:
    """Read what ``--expires`` was given.

    Raises:
        InvalidInputError: It is not a lifetime.
    """
    try:
        return parse_lifetime(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is not a lifetime.", hint="Write a number and s, h, d or w, such as 90d."
        ) from None


def id_of(text: str) -> uuid.UUID:
    """Read an id as lists show it.

    Raises:
        InvalidInputError: It is not an id.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is not an id.", hint="Copy it from the list.") from None


def member_of(kind: type[E], text: str, what: str) -> E:
    """Return the member of an enumeration that ``text`` names; ``what`` is for the error.

    Raises:
        InvalidInputError: There is no such member.
    """
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(kind)
        raise InvalidInputError(
            f"{text!r} is not a valid {what}.", hint=f"Use one of {known}."
        ) from None


def _nothing() -> None:
    pass
