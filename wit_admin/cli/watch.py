"""``wit-admin watch …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, Repo, origin_of, output_of
from wit_admin.cli._place import place
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_OUTCOME = ("repository", "state", "operations", "changes", "bookmarks", "error")


@app.callback(invoke_without_command=True)
def watch(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Make one pass, and stop")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch jj repositories, and keep what they say in the database

    Changes, operations, bookmarks and conflicts are read from jj's own files, without jj.

    Example: wit-admin watch --once
    """
    from wit_admin.services.watch_pass import raise_for_failures, sync_all

    if ctx.invoked_subcommand is not None:
        return
    output = output_of(ctx, as_json=as_json)
    reports = []
    with place(ctx) as here:
        if not once:
            raise InvalidInputError("A command is missing.", hint="Or say --once.")
        for report in sync_all(here.sessions, here.root):
            reports.append(report)
            output.line(report, *_OUTCOME)
    output.note(f"{sum(report.state == 'synced' for report in reports)} repositories had news.")
    raise_for_failures(reports)


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the repositories that are watched, and those taken off the list

    Example: wit-admin watch list
    """
    from wit_admin.services import watching

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        rows = watching.list_watched(here.sessions, here.root)
    output.rows(rows, "owner", "name", "is_watched", "synced_at", "failures", "error")


@app.command()
def add(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Have a repository watched again that was taken off the list

    All that have a jj repository are watched by themselves.

    Example: wit-admin watch add alice/demo
    """
    from wit_admin.services import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with place(ctx) as here:
        is_news = watching.add_watch(here.sessions, here.root, name, by=origin_of())
    if not is_news:
        output.note(f"{name} is watched already.")
    output.result({"repository": str(name), "is_watched": True}, plain=str(name))


@app.command()
def remove(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Have a repository watched no more; what was read of it stays

    Example: wit-admin watch remove alice/demo
    """
    from wit_admin.services import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with place(ctx) as here:
        is_news = watching.remove_watch(here.sessions, here.root, name, by=origin_of())
    if not is_news:
        output.note(f"{name} was not watched.")
    output.result({"repository": str(name), "is_watched": False}, plain=str(name))


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Tell whether a watcher is at work, and how many repositories it has

    Example: wit-admin watch status --json
    """
    from wit_admin.services import watching

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        found = watching.watch_status(here.sessions, here.root, here.settings.run_dir)
    output.fields(found)


@app.command()
def sync(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Read one repository now, watched or not

    Example: wit-admin watch sync alice/demo
    """
    from wit_admin.services import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with place(ctx) as here:
        report = watching.sync_now(here.sessions, here.root, name)
    output.line(report, *_OUTCOME)
