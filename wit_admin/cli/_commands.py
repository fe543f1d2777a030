"""The table of commands, and the root group, which imports a command when it runs."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from wit_admin.cli._errors import is_interruption, report
from wit_admin.cli._options import State

COMMANDS: dict[str, str] = {
    "serve": "Serve git over HTTP",
    "db": "Manage the database",
    "user": "Manage accounts",
    "token": "Manage access tokens",
    "session": "Manage sessions",
    "ssh-key": "Manage public keys of accounts",
    "org": "Manage organizations",
    "team": "Manage teams",
    "collab": "Manage collaborators",
    "protect": "Manage protected refs",
    "access": "Explain who may do what",
    "repo": "Manage repositories",
    "sync-repos": "Make the database and the folder of repositories agree",
    "sync": "Run the jobs that are due, for cron and timers",
    "watch": "Watch jj repositories, and keep what they say in the database",
    "jj": "Show what was synced from jj repositories",
    "activity": "Show what happened",
    "audit": "Show who changed what",
    "config": "Show the settings",
    "completion": "Print a shell completion script",
}
"""The name and first help line of each command: a module in this package with a Typer ``app``."""

_INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """The root group: imports a command when it runs, and turns each failure into an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command's module, and return the command; ``None`` if there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"wit_admin.cli.{cmd_name.replace('-', '_')}")
        command: Any = typer.main.get_command(module.app)
        _accept_quiet(command)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command, or suggest one with a similar name."""
        if args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands from the table above, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *_: Any,
        **__: Any,
    ) -> Any:
        """Run a command line and exit with its code. All failures of all commands end here."""
        arguments = list(sys.argv[1:] if args is None else args)
        _accept_any_bytes()
        # Look for it before parsing, so that a wrong command line is reported as JSON, too.
        state = State(as_json="--json" in _before_double_dash(arguments))
        try:
            with self.make_context(prog_name or "wit-admin", arguments, obj=state) as ctx:
                self.invoke(ctx)
        except typer.Exit as end:
            sys.exit(end.exit_code)
        except typer.Abort:
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            raise
        except Exception as failure:  # noqa: BLE001  whatever it is, nobody shall see a traceback
            if is_interruption(failure):
                sys.exit(_INTERRUPTED)
            sys.exit(report(failure, as_json=state.as_json, is_debugging=state.is_debugging))
        sys.exit(0)


def _accept_quiet(command: Any) -> None:
    """Accept the root's ``--quiet`` after a command, too, where most people write it."""
    if not isinstance(command, TyperGroup) or command.invoke_without_command:
        command.params.append(
            TyperOption(
                param_decls=["--quiet", "-q"],
                is_flag=True,
                expose_value=False,
                callback=_be_quiet,
                help="Print results only",
            )
        )
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            _accept_quiet(inner)


def _be_quiet(ctx: Any, _option: object, is_set: bool) -> None:
    if is_set:
        ctx.obj.quiet = True


def _before_double_dash(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _accept_any_bytes() -> None:
    """Make stdout print every path and name: in UTF-8, or escaped if that is impossible."""
    if hasattr(sys.stdout, "reconfigure"):
        is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
        sys.stdout.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
