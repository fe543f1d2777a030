"""``wit-admin jj changes``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._following import keep_looking
from wit_admin.cli._jj import (
    CHANGE_LETTERS,
    COMMIT_LETTERS,
    Follow,
    first_line,
    refuse_both,
    short_id,
    short_moment,
    synced,
)
from wit_admin.cli._options import AfterCursor, AsJson, PageLimit, Repo, output_of
from wit_admin.cli._output import Output, print_table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from wit_admin.db.queries.jj_changes import ChangeRow

app = typer.Typer()

_ROOT = "z" * 32

_HEADERS = ("", "change", "author", "committed", "commit", "bookmarks", "description")
_COLUMNS = ("change_id", "commit_id", "committed_at", "author", "bookmarks", "marks", "description")


@app.command()
def changes(
    ctx: typer.Context,
    repo: Repo,
    bookmark: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only ancestors of this bookmark, or of NAME@REMOTE"),
    ] = None,
    author: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only authors that contain this text")
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Only descriptions with this text, or ids that start with it"
        ),
    ] = None,
    conflicted: Annotated[
        bool | None,
        typer.Option("--conflicted/--no-conflicted", help="Only conflicted, or only others"),
    ] = None,
    divergent: Annotated[
        bool | None,
        typer.Option("--divergent/--no-divergent", help="Only divergent, or only others"),
    ] = None,
    hidden: Annotated[
        bool, typer.Option("--hidden", help="Only hidden ones, of which no commit is visible")
    ] = False,
    mutable: Annotated[
        bool | None,
        typer.Option("--mutable/--immutable", help="Only those that may, or may not, be rewritten"),
    ] = None,
    limit: PageLimit = 50,
    after: AfterCursor = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """List changes, the latest commit first

    The first column shows @ for what a workspace has checked out, ◆ for an immutable change and
    a cross for a conflict; ?? after an id means that several visible commits have this change id.
    With --follow and --json each line is one object.

    Example: wit-admin jj changes alice/demo --bookmark main --mutable
    """
    from wit_admin.db.paging import PageRequest
    from wit_admin.services.jj.following import FollowedChanges
    from wit_admin.services.jj.reading import ChangeQuery, list_changes

    refuse_both(follow=follow, after=after)
    output = output_of(ctx, as_json=as_json)
    wanted = ChangeQuery(
        bookmark=bookmark,
        author=author,
        text=query,
        is_conflicted=conflicted,
        is_divergent=divergent,
        is_hidden=hidden,
        is_immutable=None if mutable is None else not mutable,
    )
    with synced(ctx, repo) as (command, repo_id):
        followed = FollowedChanges(command.sessions, repo_id, wanted) if follow else None
        page = list_changes(command.sessions, repo_id, wanted, PageRequest(limit, after))
        if followed is not None:
            for row in reversed(page.items):
                _print_line(row, output)
            keep_looking(followed.look, lambda row: _print_line(row, output))
    if output.is_terminal:
        print_table(_HEADERS, map(_cells, page.items))
    else:
        output.rows(page.items if as_json else [*map(_line, page.items)], *_COLUMNS)
    output.note_more(page.next_cursor)


@dataclass(frozen=True, slots=True)
class _Line:
    """A change in a pipe."""

    change_id: str
    commit_id: str
    committed_at: object
    author: str
    bookmarks: tuple[str, ...]
    marks: tuple[str, ...]
    description: str


def _print_line(row: ChangeRow, output: Output) -> None:
    output.line(row if output.as_json else _line(row), *_COLUMNS)


def _line(row: ChangeRow) -> _Line:
    return _Line(
        row.change_id,
        row.commit_id,
        row.committed_at,
        row.author_email,
        row.bookmarks,
        _marks(row),
        first_line(row.description),
    )


def _marks(row: ChangeRow) -> tuple[str, ...]:
    said = {
        "conflict": row.has_conflicts,
        "divergent": row.is_divergent,
        "hidden": row.is_hidden,
        "immutable": row.is_immutable,
        "empty": row.is_empty,
    }
    return tuple(word for word, is_so in said.items() if is_so)


def _cells(row: ChangeRow) -> Sequence[str | Text]:
    from rich.text import Text

    change = short_id(row.change_id, CHANGE_LETTERS, prefix=row.change_prefix)
    if row.is_divergent:
        change.append("??", "bold red")
    words = [word for word in _marks(row) if word in {"conflict", "hidden", "empty"}]
    about = Text()
    for word in words:
        about.append(f"({word}) ", "red" if word == "conflict" else "green")
    about.append("root()" if row.change_id == _ROOT else first_line(row.description))
    return (
        _mark(row),
        change,
        printable(row.author_email or row.author_name),
        short_moment(row.committed_at),
        short_id(row.commit_id, COMMIT_LETTERS, prefix=row.commit_prefix, style="blue"),
        Text(printable(" ".join(row.bookmarks)), "magenta"),
        about,
    )


def _mark(row: ChangeRow) -> str:
    if row.is_working_copy:
        return "@"
    if row.is_immutable:
        return "◆"
    return "×" if row.has_conflicts else "○"  # noqa: RUF001  as jj draws it
