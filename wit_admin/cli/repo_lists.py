"""``wit-admin repo list|show``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AfterCursor, AsJson, Limit, Repo, output_of
from wit_admin.cli._repo import Visibility
from wit_admin.names import RepoName

app = typer.Typer()


class Sort(enum.StrEnum):
    """By what a list is sorted; named here too, so that help need not import the rest."""

    NAME = "name"
    PUSHED = "pushed"
    UPDATED = "updated"
    SIZE = "size"
    STARS = "stars"


@app.command("list")
def list_(
    ctx: typer.Context,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this owner")] = None,
    visibility: Annotated[Visibility | None, typer.Option(help="Only of this visibility")] = None,
    archived: Annotated[
        bool | None, typer.Option("--archived/--no-archived", help="Only archived, or only others")
    ] = None,
    forks: Annotated[
        bool | None, typer.Option("--forks/--no-forks", help="Only forks, or only others")
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only with this text in the name or description"),
    ] = None,
    sort: Annotated[
        Sort, typer.Option(help="Sort key; all but name put the highest or latest first")
    ] = Sort.NAME,
    limit: Limit = None,
    after: AfterCursor = None,
    as_json: AsJson = False,
) -> None:
    """List repositories

    Example: wit-admin repo list --owner alice --sort pushed --limit 10
    """
    from wit_admin.db.models import repositories as models
    from wit_admin.db.queries.repository_lists import RepositoryFilter, RepositorySort
    from wit_admin.services.repositories.listing import list_repositories

    output = output_of(ctx, as_json=as_json)
    wanted = RepositoryFilter(
        owner=owner,
        visibility=None if visibility is None else models.Visibility(visibility),
        text=match,
        is_fork=forks,
        is_archived=archived,
    )
    order = RepositorySort[sort.name]
    with command_context(ctx) as command:
        page = list_repositories(command.sessions, wanted, sort=order, limit=limit, after=after)
    output.rows(page.items, "owner", "name", "visibility", "default_branch", "pushed_at")
    output.note_more(page.next_cursor)


@app.command()
def show(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Show everything that is known about a repository

    Example: wit-admin repo show alice/demo --json
    """
    from wit_admin.services.repositories.listing import show_repository

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        detail = show_repository(command.sessions, name)
    output.fields(detail)
