"""``wit-admin jj ops``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._following import keep_looking
from wit_admin.cli._graph import Graph
from wit_admin.cli._jj import (
    OPERATION_LETTERS,
    Follow,
    refuse_both,
    short_id,
    synced,
)
from wit_admin.cli._options import AfterCursor, AsJson, PageLimit, Repo, output_of
from wit_admin.cli._output import print_lines, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from wit_admin.db.queries.jj_operations import OperationRow
    from wit_admin.services.jj.reading import Log

app = typer.Typer()

_ROOT = "0" * 128
_COLUMNS = ("operation_id", "ended_at", "username", "operation_type", "is_undone", "description")


@app.command()
def ops(
    ctx: typer.Context,
    repo: Repo,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="Only of this type: commit, rebase, undo, snapshot, …"),
    ] = None,
    undone: Annotated[
        bool | None, typer.Option("--undone/--no-undone", help="Only undone, or only others")
    ] = None,
    snapshots: Annotated[
        bool | None,
        typer.Option("--snapshots/--no-snapshots", help="Only snapshots, or only others"),
    ] = None,
    graph: Annotated[
        bool | None,
        typer.Option("--graph/--no-graph", help="Draw the graph; the default on a terminal"),
    ] = None,
    limit: PageLimit = 50,
    after: AfterCursor = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """List operations, the latest first

    In the graph @ is the current operation; there are several until jj reconciles concurrent
    ones. ~ stands for operations that a filter left out. With --follow and --json each line is
    one object.

    Example: wit-admin jj ops alice/demo --no-snapshots --limit 20
    """
    from wit_admin.db.paging import PageRequest
    from wit_admin.db.queries.jj_operations import OperationFilter
    from wit_admin.services.jj.following import FollowedOperations
    from wit_admin.services.jj.reading import list_operations

    refuse_both(follow=follow, after=after)
    output = output_of(ctx, as_json=as_json)
    wanted = OperationFilter(kind=kind, is_undone=undone, is_snapshot=snapshots)
    with synced(ctx, repo) as (command, repo_id):
        followed = FollowedOperations(command.sessions, repo_id, wanted) if follow else None
        log = list_operations(command.sessions, repo_id, wanted, PageRequest(limit, after))
        if followed is not None:
            for row in reversed(log.operations):
                output.line(row, *_COLUMNS)
            keep_looking(followed.look, lambda row: output.line(row, *_COLUMNS))
    draws = output.is_terminal if graph is None else graph
    if draws and not as_json:
        print_lines(_draw(log))
    else:
        output.rows(log.operations, *_COLUMNS)
    output.note_more(log.next_cursor)


def _draw(log: Log) -> Iterator[Text]:
    from rich.text import Text

    graph = Graph()
    for row in log.operations:
        is_head = row.operation_id in log.heads
        parents = [parent for parent in row.parents if parent != _ROOT]
        drawn = graph.draw(row.operation_id, parents, "@" if is_head else "○")
        yield from drawn.lay_beside(_describe(row), mark_style="bold green" if is_head else "")
    end = graph.end()
    if end is not None:
        yield Text(end)


def _describe(row: OperationRow) -> list[Text]:
    from rich.text import Text

    head = short_id(row.operation_id, OPERATION_LETTERS, prefix=row.operation_prefix, style="blue")
    head.append(f" {printable(f'{row.username}@{row.hostname}')}", "yellow")
    lasted_ms = round((row.ended_at - row.started_at).total_seconds() * 1000)
    head.append(f" {row.ended_at.isoformat(' ')[:19]}Z, lasted {lasted_ms} ms", "cyan")
    undone = "(undone) " if row.is_undone else ""
    about = Text(f"{undone}{printable(row.description.strip())}", "dim" if row.is_undone else "")
    arguments = (row.tags or {}).get("args")
    return [head, about, *([Text(f"args: {printable(str(arguments))}")] if arguments else [])]
