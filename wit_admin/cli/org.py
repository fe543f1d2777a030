"""``wit-admin org …``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli import org_member
from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import (
    AfterName,
    AsJson,
    IfNotExists,
    Limit,
    Match,
    TransferTo,
    TrashRepositories,
    command_group,
    origin_of,
    output_of,
    part_by_name,
    require_changes,
    texts_of,
)
from wit_admin.cli._owners import (
    AvatarUrl,
    Location,
    NewName,
    Website,
    delete_owner,
    rename_owner,
)
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes

Name = Annotated[str, typer.Argument(metavar="ORG", help="Name of the organization")]
FirstOwner = Annotated[str, typer.Option(metavar="USER", help="Its first owner")]
DisplayName = Annotated[str | None, typer.Option(help="Display name")]
Description = Annotated[str | None, typer.Option(help="Description")]

app = command_group("Manage organizations", example="wit-admin org list")
app.add_typer(org_member.app, name="member")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    owner: FirstOwner,
    display_name: DisplayName = None,
    description: Description = None,
    website: Website = None,
    location: Location = None,
    avatar_url: AvatarUrl = None,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Create an organization

    Example: wit-admin org create acme --owner alice --display-name "Acme Inc."
    """
    from wit_admin.db.queries.organizations import OrganizationEdit
    from wit_admin.services.organizations import organizations

    output = output_of(ctx, as_json=as_json)
    details: OrganizationEdit = {
        "display_name": display_name or name,
        "description": description,
        "website": website,
        "location": location,
        "avatar_url": avatar_url,
    }
    with command_context(ctx) as command:
        result = organizations.create_organization(
            command.sessions, name, owner=owner, may_exist=if_not_exists, by=origin_of(), **details
        )
    output.note("Created it." if result.is_new else "It exists already.")
    output.result(result, plain=result.name)


@app.command()
def claim(
    ctx: typer.Context,
    name: Name,
    owner: FirstOwner,
    as_json: AsJson = False,
) -> None:
    """Turn a placeholder into an organization; it keeps its repositories

    sync-repos creates a placeholder for each owner's folder that has no account.

    Example: wit-admin org claim acme --owner alice
    """
    from wit_admin.services.organizations import organizations

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        details = organizations.claim_organization(
            command.sessions, command.root, name, owner=owner, by=origin_of()
        )
    output.note(f"{details.name} owns repositories: {details.repositories}.")
    output.result(details, plain=details.name)


@app.command("list")
def list_(
    ctx: typer.Context,
    match: Match = "",
    limit: Limit = None,
    after: AfterName = None,
    as_json: AsJson = False,
) -> None:
    """List organizations by name

    Example: wit-admin org list --match acme
    """
    from wit_admin.services.organizations import organizations

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        rows = organizations.list_organizations(
            command.sessions, match, part=part_by_name(after, limit)
        )
    output.rows(rows, "name", "display_name", "members")


@app.command()
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show an organization

    Example: wit-admin org show acme
    """
    from wit_admin.services.organizations import organizations

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        details = organizations.show_organization(command.sessions, name)
    output.fields(details)


@app.command()
def edit(
    ctx: typer.Context,
    name: Name,
    display_name: DisplayName = None,
    description: Description = None,
    website: Website = None,
    location: Location = None,
    avatar_url: AvatarUrl = None,
    as_json: AsJson = False,
) -> None:
    """Edit the profile of an organization

    An empty text clears a field.

    Example: wit-admin org edit acme --website https://acme.example
    """
    from wit_admin.db.queries.organizations import OrganizationEdit
    from wit_admin.services.organizations import organizations

    output = output_of(ctx, as_json=as_json)
    changes: OrganizationEdit = texts_of(
        description=description, website=website, location=location, avatar_url=avatar_url
    )
    if display_name is not None:
        changes["display_name"] = display_name or name
    with command_context(ctx) as command:
        require_changes(changes)
        details = organizations.edit_organization(command.sessions, name, by=origin_of(), **changes)
    output.fields(details)


@app.command()
def rename(
    ctx: typer.Context,
    name: Name,
    new_name: NewName,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Rename an organization; old URLs still lead to its repositories

    Example: wit-admin org rename acme acme-labs --yes
    """
    from wit_admin.db.models.accounts import OwnerType

    consent = Consent(dry_run, yes=yes, no_input=no_input)
    output = output_of(ctx, as_json=as_json)
    rename_owner(ctx, output, OwnerType.ORGANIZATION, name, new_name, consent)


@app.command()
def delete(
    ctx: typer.Context,
    name: Name,
    transfer_to: TransferTo = None,
    trash_repositories: TrashRepositories = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Delete an organization

    It is refused while it owns repositories, unless an option says what becomes of them.

    Example: wit-admin org delete acme --trash-repositories --dry-run
    """
    from wit_admin.db.models.accounts import OwnerType
    from wit_admin.services.owners.repositories import Fate

    fate = Fate(transfer_to, trash_repositories)
    consent = Consent(dry_run, yes=yes, no_input=no_input)
    output = output_of(ctx, as_json=as_json)
    delete_owner(ctx, output, OwnerType.ORGANIZATION, name, fate, consent)
