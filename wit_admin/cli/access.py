"""``wit-admin access …``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, command_group, id_of, member_of, output_of
from wit_admin.cli._passwords import read_secret_line
from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName

if TYPE_CHECKING:
    import uuid

app = command_group(
    "Explain who may do what", example="wit-admin access explain bob alice/demo --action push"
)


@app.command()
def explain(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[USER] OWNER/REPO [REF]", help="Who, which repository, which ref"),
    ],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Somebody who has not signed in; leave out USER")
    ] = False,
    action: Annotated[str, typer.Option(help="read, push, force, delete or admin")] = "read",
    token: Annotated[str | None, typer.Option(metavar="ID", help="With this token")] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="With the token on standard input")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Explain whether somebody may do something, and by which rules

    The server decides by the same rules. The exit code is 0 for allowed and 1 for denied.

    Example: wit-admin access explain bob alice/demo main --action force
    """
    from wit_admin.services.access import explanations
    from wit_admin.services.access.decision import Action, PushCreate

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        user, repository, ref = _split(words, anonymous=anonymous)
        if anonymous and (token is not None or token_stdin):
            raise InvalidInputError("Who has a token is not anonymous.")
        secret = _token(token, from_stdin=token_stdin)
        question = explanations.Question(
            RepoName.parse(repository), member_of(Action, action, "action"), user, secret, ref
        )
        answer = explanations.explain(
            command.sessions,
            question,
            push_create=PushCreate(command.settings.push_create),
            root=command.root,
        )
    lines = ["allowed" if answer.allowed else "denied", *answer.rules]
    output.result(answer, plain="\n".join(lines))
    if not answer.allowed:
        raise typer.Exit(1)


def _split(words: list[str], *, anonymous: bool) -> tuple[str | None, str, str | None]:
    who: list[str | None] = [None] if anonymous else [*words[:1]]
    match who, words if anonymous else words[1:]:
        case [user], [repository]:
            return user, repository, None
        case [user], [repository, ref]:
            return user, repository, ref
        case _:
            raise InvalidInputError(
                "Give a user and a repository.", hint="With --anonymous, a repository alone."
            )


def _token(text: str | None, *, from_stdin: bool) -> uuid.UUID | bytes | None:
    from wit_admin.services.access.credentials import digest_secret

    if from_stdin and text is not None:
        raise InvalidInputError("--token and --token-stdin exclude each other.")
    if from_stdin:
        return digest_secret(read_secret_line("token").strip())
    return None if text is None else id_of(text)
