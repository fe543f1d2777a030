"""``wit-admin repo import``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, IfNotExists, Repo, origin_of, output_of
from wit_admin.cli._output import Output
from wit_admin.cli._repo import Description, Private, Public, chosen_visibility
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

if TYPE_CHECKING:
    from wit_admin.git.remotes.sources import Source

app = typer.Typer()


@app.command("import")
def import_(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A path, or a URL of http, https, git or ssh")
    ],
    repo: Repo,
    public: Public = False,
    private: Private = False,
    description: Description = None,
    credentials_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With user:password or a token; for ssh, the private key"
        ),
    ] = None,
    allow_private_address: Annotated[
        bool,
        typer.Option(
            "--allow-private-address", help="Allow hosts with addresses that are not public"
        ),
    ] = False,
    all_refs: Annotated[
        bool, typer.Option("--all-refs", help="Every ref, not only branches, tags and notes")
    ] = False,
    no_fsck: Annotated[bool, typer.Option("--no-fsck", help="Accept malformed objects")] = False,
    if_not_exists: IfNotExists = False,
    as_json: AsJson = False,
) -> None:
    """Import a repository with all its branches, tags and notes

    Without --public and --private the setting default_visibility decides.

    Example: wit-admin repo import https://example.org/tools.git alice/tools
    """
    from wit_admin.forge import find_tools
    from wit_admin.git.children.limited_child import ChildLimits
    from wit_admin.git.remotes.sources import parse_source
    from wit_admin.services.repositories.importing import Importer, ImportOrder

    output = output_of(ctx, as_json=as_json)
    name, where = RepoName.parse(repo), parse_source(source)
    with command_context(ctx) as command:
        settings = command.settings
        order = ImportOrder(
            where,
            chosen_visibility(settings, public=public, private=private),
            description,
            _credentials(where, credentials_file),
            all_refs=all_refs,
            fsck=not no_fsck,
            may_be_private=allow_private_address,
            may_exist=if_not_exists,
        )
        importer = Importer(
            command.sessions,
            command.root,
            find_tools(settings),
            ChildLimits(
                settings.import_timeout_s, settings.child_memory_bytes, settings.max_import_bytes
            ),
            settings.shared_objects,
            origin_of(),
        )
        output.note(f"Importing from {where}")
        with _progress(output) as tell:
            result = importer.run(name, order, tell)
    output.note("Imported it." if result.is_changed else "It exists already.")
    output.result(result, plain=str(result))


def _credentials(source: Source, file: Path | None) -> str | None:
    """Return what the file holds; for ssh, the path of the file itself: it is the key."""
    from wit_admin.git.remotes.fetching import read_credentials

    if file is None:
        return None
    if source.scheme not in {"http", "https", "ssh"}:
        raise InvalidInputError("Only http, https and ssh take credentials.")
    return str(file) if source.scheme == "ssh" else read_credentials(file)


@contextmanager
def _progress(output: Output) -> Iterator[Callable[[str], object]]:
    """Show git's last word in one line of a terminal; elsewhere nothing."""
    if output.quiet or not sys.stderr.isatty():
        yield lambda line: None
        return
    try:
        yield lambda line: typer.echo(f"\r\x1b[K{line[:78]}", nl=False, err=True)
    finally:
        typer.echo("\r\x1b[K", nl=False, err=True)
