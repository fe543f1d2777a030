"""What users and organizations have in common on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import origin_of, output_of
from wit_admin.cli._place import place

if TYPE_CHECKING:
    from wit_admin.db.models.accounts import OwnerType

NewName = Annotated[str, typer.Argument(metavar="NEW", help="Its new name")]


def rename_owner(
    ctx: typer.Context, kind: OwnerType, name: str, new_name: str, *, as_json: bool
) -> None:
    """Rename an owner, and print its name."""
    from wit_admin.services import owner_renaming

    output = output_of(ctx, as_json=as_json)
    with place(ctx) as here:
        result = owner_renaming.rename_owner(
            here.sessions, here.root, kind, name, new_name, by=origin_of()
        )
    output.result(result, plain=result.name)
