"""``wit-admin repo create``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, IfNotExists, Repo, origin_of, output_of
from wit_admin.cli._repo import Description, Private, Public, chosen_visibility
from wit_admin.names import RepoName, check_branch_name

app = typer.Typer()


class ObjectFormat(enum.StrEnum):
    """The hash of a new repository's objects; named here too, so that help need not import it."""

    SHA1 = "sha1"
    SHA256 = "sha256"


@app.command()
def create(
    ctx: typer.Context,
    repo: Repo,
    public: Public = False,
    private: Private = False,
    description: Description = None,
    default_branch: Annotated[str, typer.Option(help="Branch that HEAD names")] = "main",
    object_format: Annotated[
        ObjectFormat, typer.Option(help="Hash function of its objects")
    ] = ObjectFormat.SHA1,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Create an empty repository

    Without --public and --private the setting default_visibility decides.

    Example: wit-admin repo create alice/demo --public
    """
    from wit_admin.db.models import repositories as models
    from wit_admin.services.repositories.creation import RepositoryOrder, create_repository

    output = output_of(ctx, as_json=as_json)
    name, head = RepoName.parse(repo), check_branch_name(default_branch)
    with command_context(ctx) as command:
        order = RepositoryOrder(
            chosen_visibility(command.settings, public=public, private=private),
            description,
            head,
            models.ObjectFormat(object_format),
            may_exist=if_not_exists,
        )
        result = create_repository(command.sessions, command.root, name, order, by=origin_of())
    output.note("Created it." if result.is_changed else "It exists already.")
    output.result(result, plain=str(result))
