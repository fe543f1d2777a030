"""Turns failures into text on stderr and exit codes; no other code does that."""

from __future__ import annotations

import errno
import json
import traceback

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from wit_admin import errors
from wit_admin.cli._output import printable

EXIT_OF_ERROR: dict[type[errors.WitError], int] = {
    errors.WitError: 70,
    errors.RefusedError: 1,
    errors.NotFoundError: 1,
    errors.ConflictError: 1,
    errors.BusyError: 1,
    errors.NotAllowedError: 1,
    errors.RefsRefusedError: 1,
    errors.TooManyAttemptsError: 1,
    errors.UnauthenticatedError: 1,
    errors.InvalidInputError: 2,
    errors.TooLargeError: 2,
    errors.ConfigError: 3,
    errors.UnavailableError: 4,
    errors.JjError: 1,
    errors.NoJjRepositoryError: 1,
    errors.UnsupportedJjError: 1,
    errors.JjPathError: 1,
    errors.DamagedJjError: 1,
    errors.TooLargeJjError: 1,
    errors.MissingJjError: 4,
    errors.UnreadableJjError: 4,
    errors.BatchError: 5,
}
"""The exit code of each kind of error; a test checks that none is missing."""

_MAX_SHOWN_CHARACTERS = 2000
_HINT_OF_ERRNO = {
    errno.EACCES: "Run it as the user whom the files of the forge belong to.",
    errno.EPERM: "Run it as the user whom the files of the forge belong to.",
    errno.EROFS: "Mount the file system so that it can be written to.",
    errno.ENOSPC: "Free some space, then run it again.",
    errno.EDQUOT: "Free some space, then run it again.",
    errno.EFBIG: "Raise the limit of file sizes (ulimit -f), then run it again.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
}


def report(failure: Exception, *, as_json: bool, is_debugging: bool) -> int:
    """Print a failure, for a person or as a JSON object; return the exit code."""
    if isinstance(failure, NoArgsIsHelpError) and not as_json:
        typer.echo(failure.format_message(), err=True)
        return EXIT_OF_ERROR[errors.InvalidInputError]
    error = _explain(failure)
    code = EXIT_OF_ERROR[type(error)]
    if is_debugging and error is not failure and not isinstance(failure, ClickException):
        traceback.print_exception(failure)
    if as_json:
        content = {"kind": error.kind, "message": error.message, "hint": error.hint}
        typer.echo(json.dumps({"error": content}), err=True)
        return code
    typer.echo(f"Error: {_readable(error.message)}", err=True)
    if error.hint:
        typer.echo(f"Hint: {_readable(error.hint)}", err=True)
    return code


def _readable(text: str) -> str:
    """Return a message of limited length, without control characters."""
    if len(text) > _MAX_SHOWN_CHARACTERS:
        text = f"{text[: _MAX_SHOWN_CHARACTERS // 2]} … {text[-_MAX_SHOWN_CHARACTERS // 2 :]}"
    return "\n".join(printable(line) for line in text.split("\n"))


def is_interruption(failure: BaseException | None) -> bool:
    """Return whether a failure was caused by Ctrl-C.

    A driver that is interrupted at a bad moment raises its own error instead.
    """
    while failure is not None:
        if isinstance(failure, KeyboardInterrupt):
            return True
        failure = failure.__cause__ or failure.__context__
    return False


def _explain(failure: Exception) -> errors.WitError:
    match failure:
        case errors.WitError():
            return failure
        case NoArgsIsHelpError():
            return _wrong("A command is missing", failure)
        case UsageError():
            return _wrong(failure.format_message(), failure)
        case UnicodeEncodeError(reason="surrogates not allowed"):
            # An argument that is not UTF-8 was used as text.
            return errors.InvalidInputError("An argument is not UTF-8 text.")
        case OSError(strerror=str() as reason):
            place = f"{failure.filename}: " if failure.filename else ""
            hint = _HINT_OF_ERRNO.get(failure.errno or 0)
            return errors.UnavailableError(f"{place}{reason}.", hint=hint)
        case _:
            return errors.WitError(
                f"This is a bug in wit-admin ({type(failure).__name__}).",
                hint="Add --log-level debug before the command to see where, and report it.",
            )


def _wrong(sentence: str, failure: UsageError) -> errors.InvalidInputError:
    program = failure.ctx.command_path if failure.ctx else "wit-admin"
    stop = "" if sentence.endswith((".", "?")) else "."
    return errors.InvalidInputError(f"{sentence}{stop}", hint=f"See '{program} --help'.")
