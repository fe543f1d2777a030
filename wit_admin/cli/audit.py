"""``wit-admin audit …``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._following import keep_looking
from wit_admin.cli._options import AsJson, PageLimit, command_group, lifetime_of, output_of
from wit_admin.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, sessionmaker

    from wit_admin.cli._output import Output
    from wit_admin.db.queries.audit import AuditFilter
    from wit_admin.services.audit.trail import Entry

app = command_group("Show who changed what", example="wit-admin audit list --action token")

_COLUMNS = ("seq", "created_at", "who", "origin", "action", "target_type", "target_name")
_CHUNK = 1000


@app.command("list")
def list_(
    ctx: typer.Context,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="By this account or unix user")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Such as token.create, or token for all of them")
    ] = None,
    without: Annotated[
        str | None, typer.Option(metavar="ACTION", help="Not these, such as repository.push")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="NAME", help="Done to this")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="AGE", help="Not older, such as 12h, 30d or 4w")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="AGE", help="Not younger, such as 12h, 30d or 4w")
    ] = None,
    limit: PageLimit = 50,
    before: Annotated[
        int | None,
        typer.Option(metavar="SEQ", help="Only events before this number", min=1, max=2**63 - 1),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Keep printing new events, oldest first")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List changes, newest first

    For the next page give --before the last number of this one. With --follow and --json each
    line is one object.

    Example: wit-admin audit list --actor alice --since 30d
    """
    from wit_admin.db.base import utc_now
    from wit_admin.db.queries.audit import AuditFilter
    from wit_admin.services.audit import trail

    if follow and (before is not None or until is not None):
        raise InvalidInputError("--follow cannot be used with --before or --until.")
    output = output_of(ctx, as_json=as_json)
    start, end = (None if age is None else utc_now() - lifetime_of(age) for age in (since, until))
    wanted = AuditFilter(actor, action, target, start, end, without)
    with command_context(ctx) as command:
        entries = trail.list_events(command.sessions, wanted, limit=limit, before=before)
        if follow:
            _follow(command.sessions, wanted, entries[::-1], output)
    output.rows(entries, *_COLUMNS)


@app.command()
def verify(
    ctx: typer.Context,
    expect: Annotated[
        str | None, typer.Option(metavar="END", help="What it printed before must be in it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for events that were changed, dropped, inserted or moved

    It prints number and digest of the last event. Keep them elsewhere, and give them to --expect
    the next time: somebody who can write to the database could compute the whole trail anew.

    Example: wit-admin audit verify --expect "$(cat /mnt/elsewhere/audit-end)"
    """
    from wit_admin.services.audit.check import parse_head, verify_trail

    output = output_of(ctx, as_json=as_json)
    kept = None if expect is None else parse_head(expect)
    with command_context(ctx) as command:
        verdict = verify_trail(command.sessions, kept)
    if verdict.findings:
        for finding in verdict.findings:
            output.note(finding.sentence)
        raise ConflictError(f"The audit trail is not whole: {verdict.findings[0].sentence}")
    output.result(verdict, plain=f"{verdict.head_seq} {verdict.head_digest}")


def _follow(
    sessions: sessionmaker[Session], wanted: AuditFilter, entries: list[Entry], output: Output
) -> None:
    """Print events as they come, until interrupted."""
    from wit_admin.services.audit import trail

    for entry in entries:
        output.line(entry, *_COLUMNS)
    seq = entries[-1].seq if entries else 0

    def look() -> list[Entry]:
        nonlocal seq
        found = trail.list_events_after(sessions, wanted, seq=seq, limit=_CHUNK)
        seq = found[-1].seq if found else seq
        return found

    keep_looking(look, lambda entry: output.line(entry, *_COLUMNS))
