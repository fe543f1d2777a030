"""``wit-admin db …``."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import AsJson, command_group, loaded_of, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, confirm_plan, show_plan
from wit_admin.errors import ConflictError

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = command_group("Manage the database", example="wit-admin db status")


_SHOWN_DIFFERENCES = 5


class Profile(enum.StrEnum):
    """What ``seed`` can create; named here too, so that help need not import the rest."""

    DEV = "dev"
    DEMO = "demo"


@contextmanager
def _engine(ctx: typer.Context) -> Iterator[Engine]:
    from wit_admin.db.engine import open_engine

    settings = loaded_of(ctx).settings
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database_url.reveal())
    try:
        yield engine
    finally:
        engine.dispose()


def _record(engine: Engine, action: str, before: str | None, after: str | None) -> None:
    """Record a change of the schema, if the new schema has an audit trail."""
    from wit_admin.db.engine import make_sessions
    from wit_admin.services.audit import trail

    if before != after:
        trail.record_schema_change(make_sessions(engine), action, before, after, by=origin_of())


@app.command()
def migrate(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="Revision to stop at")] = "head",
    as_json: AsJson = False,
) -> None:
    """Bring the schema up to date

    Example: wit-admin db migrate
    """
    from wit_admin.db import migrate as migrations

    output = output_of(ctx, as_json=as_json)
    with _engine(ctx) as engine:
        before = migrations.status(engine)
        result = migrations.upgrade(engine, to)
        _record(engine, "database.migrate", before.revision, result.revision)
    output.result(result, plain=result.revision or "none")


@app.command()
def rollback(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="Revision to go back to; base removes all")] = "-1",
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Roll migrations back; rows in what they created are lost

    Example: wit-admin db rollback --to 0001 --yes
    """
    from wit_admin.db import migrate as migrations
    from wit_admin.services.schema_plans import plan_rollback

    output = output_of(ctx, as_json=as_json)
    with _engine(ctx) as engine:
        plan = plan_rollback(engine, to)
        if dry_run:
            show_plan(output, plan)
            return
        question = f"Roll the database back to {to}? Rows will be lost."
        confirm_plan(output, plan, Consent(yes=yes, no_input=no_input), question=question)
        before = migrations.status(engine)
        result = migrations.downgrade(engine, to)
        _record(engine, "database.rollback", before.revision, result.revision)
    output.result(result, plain=result.revision or "none")


@app.command()
def seed(
    ctx: typer.Context,
    profile: Annotated[
        Profile, typer.Option(help="dev: one account and repository; demo: a populated site")
    ] = Profile.DEV,
    force: Annotated[
        bool, typer.Option("--force", help="Seed even if there are other accounts")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill an empty forge for development or a demonstration

    What exists already stays as it is, so it can be run again.

    Example: wit-admin db seed --profile demo
    """
    from wit_admin.db import migrate as migrations
    from wit_admin.db.engine import make_sessions
    from wit_admin.services import seeding

    output = output_of(ctx, as_json=as_json)
    settings = loaded_of(ctx).settings
    with _engine(ctx) as engine:
        migrations.ensure_current(
            engine, may_upgrade=settings.uses_embedded_database, hint="Run 'wit-admin db migrate'."
        )
        result = seeding.seed(
            make_sessions(engine),
            settings.repositories_root,
            seeding.Profile(profile),
            force=force,
            by=origin_of(),
        )
    made = sum(repository.is_new for repository in result.repositories)
    output.note(f"Seeded the profile {profile}." if made else "Everything was there already.")
    output.note(f"The accounts have no password: {', '.join(result.users)}.")
    output.note(f"Create a token: wit-admin token create {result.users[0]}")
    output.result(result, plain="\n".join(found.name for found in result.repositories))


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the revision of the database

    A revision that this program does not know is an error.

    Example: wit-admin db status --json
    """
    from wit_admin.db import migrate as migrations
    from wit_admin.db.revisions import refuse_newer

    output = output_of(ctx, as_json=as_json)
    with _engine(ctx) as engine:
        result = migrations.status(engine)
    pending = f", {len(result.pending)} to go" if result.pending else ""
    output.result(result, plain=f"{result.revision or 'none'}{pending}")
    refuse_newer(result.revision)


@app.command()
def sql(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="Revision to stop at")] = "head",
    as_json: AsJson = False,
) -> None:
    """Print the SQL of all migrations

    Example: wit-admin db sql > schema.sql
    """
    from wit_admin.db import migrate as migrations

    output = output_of(ctx, as_json=as_json)
    with _engine(ctx) as engine:
        dialect = engine.dialect.name
    text = migrations.render_sql(dialect, to)
    output.result({"sql": text}, plain=text.rstrip("\n"))


@app.command()
def check(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Compare the schema with what this program expects

    Example: wit-admin db check
    """
    from wit_admin.db import migrate as migrations
    from wit_admin.db.revisions import refuse_newer

    output = output_of(ctx, as_json=as_json)
    with _engine(ctx) as engine:
        now = migrations.status(engine)
        refuse_newer(now.revision)
        differences = migrations.list_differences(engine)
    if differences:
        shown = "; ".join(differences[:_SHOWN_DIFFERENCES])
        more = len(differences) - _SHOWN_DIFFERENCES
        raise ConflictError(
            f"The schema is not as expected. It lacks: {shown}{f' and {more} more' * (more > 0)}.",
            hint="Run 'wit-admin db migrate'."
            if now.pending
            else "It was changed by other means; 'wit-admin db sql' prints the expected schema.",
        )
    output.result({"differences": differences}, plain="ok")
