"""``wit-admin jj evolution``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._graph import Graph
from wit_admin.cli._jj import (
    CHANGE_LETTERS,
    COMMIT_LETTERS,
    OPERATION_LETTERS,
    first_line,
    short_id,
    short_moment,
    synced,
)
from wit_admin.cli._options import AsJson, PageLimit, Repo, output_of
from wit_admin.cli._output import print_lines, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from wit_admin.services.jj.evolution import Evolution, Form

app = typer.Typer()

_COLUMNS = ("commit_id", "committed_at", "is_visible", "predecessors", "operation", "description")


@app.command()
def evolution(
    ctx: typer.Context,
    repo: Repo,
    change: Annotated[
        str, typer.Argument(metavar="CHANGE", help="Its id, or a unique prefix of it")
    ],
    limit: PageLimit = 100,
    as_json: AsJson = False,
) -> None:
    """Show the commits of a change over time, latest first, and which replaced which

    Commits that were replaced are read from jj's own stores.

    Example: wit-admin jj evolution alice/demo kkmpptxz
    """
    from wit_admin.services.jj.evolution import read_evolution

    output = output_of(ctx, as_json=as_json)
    with synced(ctx, repo) as (command, repo_id):
        found = read_evolution(command.sessions, repo_id, change, root=command.root, limit=limit)
    if as_json:
        output.result(found, plain="")
    elif output.is_terminal:
        print_lines(_draw(found))
    else:
        output.rows(found.forms, *_COLUMNS)
    if found.gap is not None:
        output.note(found.gap)


def _draw(found: Evolution) -> Iterator[Text]:
    graph = Graph()
    shown = {form.commit_id for form in found.forms}
    for form in found.forms:
        # What is not shown is said to be missing once, below.
        known = [each for each in form.predecessors if each in shown]
        drawn = graph.draw(form.commit_id, known, "○")
        yield from drawn.lay_beside(_describe(form))


def _describe(form: Form) -> list[Text]:
    from rich.text import Text

    head = short_id(form.change_id or "(gone)", CHANGE_LETTERS)
    head.append(" ").append_text(short_id(form.commit_id, COMMIT_LETTERS))
    head.append(f" {printable(form.author_email or '')} {short_moment(form.committed_at)}")
    head.append("" if form.is_visible else " (hidden)").append(
        " (conflict)" if form.has_conflict else "", "red"
    )
    lines = [head]
    if form.description is not None:
        lines.append(Text(first_line(form.description)))
    if form.operation_id is not None:
        by = f"operation {form.operation_id[:OPERATION_LETTERS]}"
        lines.append(Text(f"-- {by} {printable(form.operation or '')}".rstrip(), "dim"))
    return lines
