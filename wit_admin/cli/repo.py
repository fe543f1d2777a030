"""``wit-admin repo …``."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import (
    AsJson,
    command_group,
    lifetime_of,
    loaded_of,
    origin_of,
    output_of,
)
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName, check_branch_name

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session, sessionmaker

app = command_group("Manage repositories", example="wit-admin repo list")
trash_app = command_group("Manage deleted repositories", example="wit-admin repo trash list")
app.add_typer(trash_app, name="trash")

Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Which repository")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]


class Visibility(enum.StrEnum):
    """Who may read; named here too, so that help need not import the rest."""

    PUBLIC = "public"
    PRIVATE = "private"


class ObjectFormat(enum.StrEnum):
    """The hash of a new repository's objects; named here too, as above."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@contextmanager
def _place(ctx: typer.Context) -> Iterator[tuple[sessionmaker[Session], Path]]:
    from wit_admin.forge import open_database

    settings = loaded_of(ctx).settings
    with open_database(settings) as sessions:
        yield sessions, settings.repositories_root


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List repositories

    Example: wit-admin repo list --json
    """
    from wit_admin.forge import open_database
    from wit_admin.services import repositories

    output = output_of(ctx, as_json=as_json)
    with open_database(loaded_of(ctx).settings) as sessions:
        rows = repositories.list_repositories(sessions)
    output.rows(rows, "owner", "name", "visibility", "default_branch", "pushed_at")


@app.command()
def create(
    ctx: typer.Context,
    repo: Repo,
    public: Annotated[bool, typer.Option("--public", help="Anybody may read it")] = False,
    private: Annotated[bool, typer.Option("--private", help="Only named people may")] = False,
    description: Annotated[str | None, typer.Option(help="What it is about")] = None,
    default_branch: Annotated[str, typer.Option(help="What HEAD names")] = "main",
    object_format: Annotated[
        ObjectFormat, typer.Option(help="Hash of its objects")
    ] = ObjectFormat.SHA1,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Leave it as it is when it exists")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an empty repository

    Without --public and --private the setting default_visibility decides.

    Example: wit-admin repo create alice/demo --public
    """
    from wit_admin.db.models import repositories as models
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    if public and private:
        raise InvalidInputError("It is either --public or --private.")
    chosen = "public" if public else "private" if private else None
    order = repository_changes.RepositoryOrder(
        models.Visibility(chosen or loaded_of(ctx).settings.default_visibility),
        description,
        check_branch_name(default_branch),
        models.ObjectFormat(object_format),
        may_exist=if_not_exists,
    )
    with _place(ctx) as (sessions, root):
        result = repository_changes.create_repository(
            sessions, root, RepoName.parse(repo), order, by=origin_of()
        )
    output.note("Created it." if result.is_changed else "It exists already.")
    output.result(result, plain=str(result))


@app.command()
def rename(
    ctx: typer.Context,
    repo: Repo,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name")],
    as_json: AsJson = False,
) -> None:
    """Give a repository another name; its old URLs lead to it

    Example: wit-admin repo rename alice/demo tools
    """
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _place(ctx) as (sessions, root):
        result = repository_changes.rename_repository(
            sessions, root, name, new_name, by=origin_of()
        )
    output.result(result, plain=str(result))


@app.command()
def transfer(
    ctx: typer.Context,
    repo: Repo,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Its new owner")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Hand a repository to another owner; its old URLs lead to it

    Example: wit-admin repo transfer alice/demo acme --yes
    """
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    output.confirm(f"Hand {name} to {owner}?", yes=yes)
    with _place(ctx) as (sessions, root):
        result = repository_changes.transfer_repository(sessions, root, name, owner, by=origin_of())
    output.result(result, plain=str(result))


@app.command()
def archive(
    ctx: typer.Context,
    repo: Repo,
    as_json: AsJson = False,
) -> None:
    """Make a repository refuse pushes

    Example: wit-admin repo archive alice/demo
    """
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _place(ctx) as (sessions, _):
        result = repository_changes.set_archived(sessions, name, archived=True, by=origin_of())
    output.result(result, plain=str(result))


@app.command()
def unarchive(
    ctx: typer.Context,
    repo: Repo,
    as_json: AsJson = False,
) -> None:
    """Let a repository take pushes again

    Example: wit-admin repo unarchive alice/demo
    """
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _place(ctx) as (sessions, _):
        result = repository_changes.set_archived(sessions, name, archived=False, by=origin_of())
    output.result(result, plain=str(result))


@app.command()
def visibility(
    ctx: typer.Context,
    repo: Repo,
    who: Annotated[Visibility, typer.Argument(metavar="public|private", help="Who may read it")],
    as_json: AsJson = False,
) -> None:
    """Say who may read a repository

    Example: wit-admin repo visibility alice/demo private
    """
    from wit_admin.db.models import repositories as models
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _place(ctx) as (sessions, root):
        result = repository_changes.set_visibility(
            sessions, root, name, models.Visibility(who), by=origin_of()
        )
    output.result(result, plain=str(result))


@app.command("set-head")
def set_head(
    ctx: typer.Context,
    repo: Repo,
    branch: Annotated[str, typer.Argument(metavar="BRANCH", help="A branch it has")],
    as_json: AsJson = False,
) -> None:
    """Choose the branch that a clone checks out

    Example: wit-admin repo set-head alice/demo trunk
    """
    from wit_admin.services import repository_changes

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with _place(ctx) as (sessions, root):
        result = repository_changes.set_head(sessions, root, name, branch, by=origin_of())
    output.result(result, plain=str(result))


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
    with _place(ctx) as (sessions, root):
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
    with _place(ctx) as (sessions, root):
        result = trash.restore_repository(sessions, root, name, as_name=as_name, by=origin_of())
    output.result(result, plain=str(result))


@trash_app.command("list")
def list_trash(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List deleted repositories, latest first

    Example: wit-admin repo trash list --json
    """
    from wit_admin.services import trash

    output = output_of(ctx, as_json=as_json)
    with _place(ctx) as (sessions, _):
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
    with _place(ctx) as (sessions, root):
        rows = trash.empty_trash(sessions, root, older_than=age, by=origin_of())
    output.rows(rows, "owner", "name", "deleted_at", "id")
