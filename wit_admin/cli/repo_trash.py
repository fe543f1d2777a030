"""``wit-admin repo delete|restore|trash``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, command_group, lifetime_of, origin_of, output_of
from wit_admin.cli._repo import Repo, place
from wit_admin.names import RepoName

app = typer.Typer()
trash_app = command_group("Manage deleted repositories", example="wit-admin repo trash list")
app.add_typer(trash_app, name="trash")

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]


@app.command()
def delete(
    ctx: typer.Context,
    repo: Repo,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move a repository to the trash

    Example: wit-admin repo delete alice/demo --yes
    """
    from wit_admin.services import trash

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    output.confirm(f"Move {name} to the trash?", yes=yes)
    with place(ctx) as (sessions, root):
        result = trash.delete_repository(sessions, root, name, by=origin_of())
    output.note(f"It comes back with: wit-admin repo restore {result}")
    output.result(result, plain=str(result))


@app.command()
def restore(
    ctx: typer.Context,
    repo: Repo,
    as_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Another name, if its own is taken")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a deleted repository back, whole

    Example: wit-admin repo restore alice/demo --as demo-2
    """
    from wit_admin.services import trash

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with place(ctx) as (sessions, root):
        result = trash.restore_repository(sessions, root, name, as_name=as_name, by=origin_of())
    output.result(result, plain=str(result))


@trash_app.command("list")
def list_trash(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List deleted repositories, latest first

    Example: wit-admin repo trash list --json
    """
    from wit_admin.services import trash

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as (sessions, _):
        rows = trash.list_trash(sessions)
    output.rows(rows, "owner", "name", "deleted_at", "id")


@trash_app.command("empty")
def empty_trash(
    ctx: typer.Context,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Only what was deleted so long ago: 30d")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove deleted repositories for good

    Example: wit-admin repo trash empty --older-than 30d --yes
    """
    from wit_admin.services import trash

    output = output_of(ctx, as_json=as_json)
    age = None if older_than is None else lifetime_of(older_than)
    output.confirm("Remove them for good?", yes=yes)
    with place(ctx) as (sessions, root):
        rows = trash.empty_trash(sessions, root, older_than=age, by=origin_of())
    output.rows(rows, "owner", "name", "deleted_at", "id")
