"""``wit-admin jj bookmarks|conflicts``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._jj import (
    CHANGE_LETTERS,
    COMMIT_LETTERS,
    short_id,
    short_moment,
    synced,
)
from wit_admin.cli._options import AfterCursor, AsJson, Match, PageLimit, Repo, output_of
from wit_admin.cli._output import print_table, printable
from wit_admin.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from wit_admin.db.queries.jj_conflicts import ConflictRow
    from wit_admin.services.jj.reading import Listed

app = typer.Typer()

_BOOKMARK_COLUMNS = ("name", "remote", "change_id", "commit_id", "marks", "terms")
_CONFLICT_COLUMNS = ("change_id", "commit_id", "file_path", "sides", "state", "created_at")


@app.command()
def bookmarks(
    ctx: typer.Context,
    repo: Repo,
    local: Annotated[bool, typer.Option("--local", help="Only local ones")] = False,
    remote: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this remote")] = None,
    conflicted: Annotated[
        bool | None,
        typer.Option("--conflicted/--no-conflicted", help="Only conflicted, or only others"),
    ] = None,
    match: Match = "",
    limit: PageLimit = 50,
    after: AfterCursor = None,
    as_json: AsJson = False,
) -> None:
    """List bookmarks by name, local ones and those of remotes

    A conflicted one has several targets: + for each possible one, - for each former one.

    Example: wit-admin jj bookmarks alice/demo --conflicted
    """
    from wit_admin.db.paging import PageRequest
    from wit_admin.db.queries.jj_bookmarks import BookmarkFilter
    from wit_admin.services.jj.reading import list_bookmarks

    if local and remote is not None:
        raise InvalidInputError("--local and --remote cannot be used together.")
    output = output_of(ctx, as_json=as_json)
    wanted = BookmarkFilter("" if local else remote, match or None, conflicted)
    with synced(ctx, repo) as (command, repo_id):
        page = list_bookmarks(command.sessions, repo_id, wanted, PageRequest(limit, after))
    if output.is_terminal:
        headers = ("bookmark", "", "change", "commit", "")
        print_table(headers, (cells for row in page.items for cells in _bookmark_cells(row)))
    else:
        lines = [*map(_bookmark_line, page.items)]
        output.rows(page.items if as_json else lines, *_BOOKMARK_COLUMNS)
    output.note_more(page.next_cursor)


@app.command()
def conflicts(
    ctx: typer.Context,
    repo: Repo,
    change: Annotated[
        str | None,
        typer.Option(metavar="CHANGE", help="Only of this change; a unique prefix is enough"),
    ] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Only resolved ones")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Also resolved ones and those in hidden commits")
    ] = False,
    limit: PageLimit = 50,
    after: AfterCursor = None,
    as_json: AsJson = False,
) -> None:
    """List paths that are conflicted in visible commits

    Example: wit-admin jj conflicts alice/demo --change kk
    """
    from wit_admin.db.paging import PageRequest
    from wit_admin.db.queries.jj_conflicts import ConflictFilter
    from wit_admin.services.jj.reading import list_conflicts

    if resolved and all_:
        raise InvalidInputError("--resolved and --all cannot be used together.")
    output = output_of(ctx, as_json=as_json)
    wanted = ConflictFilter(
        is_open=None if resolved or all_ else True, is_resolved=True if resolved else None
    )
    at = PageRequest(limit, after)
    with synced(ctx, repo) as (command, repo_id):
        page = list_conflicts(command.sessions, repo_id, wanted, at, change=change)
    if output.is_terminal:
        headers = ("change", "commit", "path", "sides", "state", "since")
        print_table(headers, map(_conflict_cells, page.items))
    else:
        lines = [*map(_conflict_line, page.items)]
        output.rows(page.items if as_json else lines, *_CONFLICT_COLUMNS)
    output.note_more(page.next_cursor)


@dataclass(frozen=True, slots=True)
class _BookmarkLine:
    """A bookmark in a pipe."""

    name: str
    remote: str | None
    change_id: str | None
    commit_id: str | None
    marks: tuple[str, ...]
    terms: str
    """``+`` or ``-`` and a commit each, if it is conflicted."""


@dataclass(frozen=True, slots=True)
class _ConflictLine:
    """A conflict in a pipe."""

    change_id: str
    commit_id: str
    file_path: str
    sides: int
    state: str
    created_at: object


def _bookmark_line(row: Listed) -> _BookmarkLine:
    terms = (f"{'+' if term.is_added else '-'}{term.commit_id or ''}" for term in row.terms)
    shown = " ".join(terms) if row.is_conflicted else ""
    return _BookmarkLine(
        row.name, row.remote, row.change_id, row.commit_id, _bookmark_marks(row), shown
    )


def _bookmark_marks(row: Listed) -> tuple[str, ...]:
    said = {
        "default": row.is_default,
        "tracked": row.is_tracked,
        "conflicted": row.is_conflicted,
        "deleted": row.commit_id is None and not row.is_conflicted,
    }
    return tuple(word for word, is_so in said.items() if is_so)


def _bookmark_cells(row: Listed) -> Iterator[Sequence[str | Text]]:
    from rich.text import Text

    name = printable(row.name if row.remote is None else f"{row.name}@{row.remote}")
    marks = ", ".join(_bookmark_marks(row))
    style = "bold red" if row.is_conflicted else "magenta"
    for place, term in enumerate(row.terms):
        sign = "+" if term.is_added else "-"
        yield (
            "" if place else Text(name, style),
            sign if row.is_conflicted else "",
            short_id(term.change_id or "", CHANGE_LETTERS),
            short_id(term.commit_id or "(absent)", COMMIT_LETTERS),
            "" if place else marks,
        )


def _conflict_line(row: ConflictRow) -> _ConflictLine:
    return _ConflictLine(
        row.change_id, row.commit_id, row.file_path, row.sides, _state(row), row.created_at
    )


def _state(row: ConflictRow) -> str:
    if row.is_resolved:
        return "resolved"
    return "open" if row.is_visible else "hidden"


def _conflict_cells(row: ConflictRow) -> Sequence[str | Text]:
    return (
        short_id(row.change_id, CHANGE_LETTERS),
        short_id(row.commit_id, COMMIT_LETTERS),
        printable(row.file_path),
        str(row.sides),
        _state(row),
        short_moment(row.created_at),
    )
