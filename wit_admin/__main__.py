"""``python -m wit_admin`` and the ``wit-admin`` program."""

from __future__ import annotations

import gc
import os
import sys

UNAVAILABLE = 4
INTERRUPTED = 130
READER_GONE = 141
"""The exit status that shells show for a program that SIGPIPE ended."""

_OBJECTS = 50_000
"""The garbage collector runs after this number of new objects; Python's default is 700."""


def main() -> None:
    """Run the command line and exit with its code."""
    _open_missing_streams()
    try:
        try:
            code = _run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:
        # Otherwise Python would try to write the rest at exit, and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = READER_GONE if isinstance(error, BrokenPipeError) else UNAVAILABLE
        if code == UNAVAILABLE:
            sys.stderr.write(f"Error: The output cannot be written: {error.strerror}.\n")
    sys.exit(code)


def collect_garbage_seldom() -> None:
    """Make Python search for reference cycles much less often.

    There are few cycles, but each search visits hundreds of thousands of rows and objects. That
    took a fifth of the time of the first sync of a jj repository.
    """
    gc.set_threshold(_OBJECTS, 20, 50)


def _open_missing_streams() -> None:
    # A parent may have closed them, and the next opened file would get their number.
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            if opened != number:
                os.dup2(opened, number)
            setattr(sys, name, os.fdopen(number, mode))


def _run(arguments: list[str]) -> int:
    from wit_admin.cli import _quick  # noqa: PLC0415  what has a stored answer needs no more

    code = _quick.answer(arguments)
    if code is None:
        collect_garbage_seldom()
        from wit_admin.cli._root import app  # noqa: PLC0415  Typer takes five times as long

        app(arguments, prog_name="wit-admin")
        return 0
    return code


if __name__ == "__main__":
    main()
