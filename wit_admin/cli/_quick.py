"""Version, help and shell completion, answered from stored text before Typer is imported.

The text is Typer's own, rendered by ``_stored``; a test fails if it is out of date. Typer answers
everything that is not found here, so a missing file only costs time.
"""

from __future__ import annotations

import sys

from wit_admin import __version__

FOLDER = __file__.rpartition("/")[0] + "/help"
COMPLETE = "--complete"
"""The shells' scripts call ``wit-admin --complete WORD…``; the last word is unfinished."""
_HELP = ("-h", "--help")
_WRONG_COMMAND_LINE = 2


def answer(arguments: list[str]) -> int | None:
    """Print the stored answer and return the exit code; return ``None`` if Typer must answer."""
    if arguments == ["--version"]:
        sys.stdout.write(f"wit-admin {__version__}\n")
        return 0
    if arguments[:1] == [COMPLETE]:
        words = complete(arguments[1:], _read("words") or "")
        sys.stdout.write("".join(f"{word}\n" for word in words))
        return 0
    asked = [*arguments] or ["--help"]
    if asked.pop() not in _HELP or not all(word.replace("-", "").isalpha() for word in asked):
        return None
    text = _read(".".join(["wit-admin", *asked]))
    if text is None:
        return None
    # Without a command nothing was done, so a script must see a failure.
    (sys.stdout if arguments else sys.stderr).write(text)
    return 0 if arguments else _WRONG_COMMAND_LINE


def complete(words: list[str], stored: str) -> list[str]:
    """Return the completions of the last of ``words``.

    ``stored`` has one line per command: its path, a tab, and its sub-commands and options; an
    option that takes a value ends in ``=``. A value itself has no completions.
    """
    choices = dict(line.split("\t") for line in stored.splitlines())
    *before, last = words or [""]
    path, is_value = "", False
    for word in before:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = f"{word}=" in choices[path].split()
        else:
            deeper = f"{path} {word}".lstrip()
            path = deeper if deeper in choices else path
    if is_value:
        return []
    fitting = [word.rstrip("=") for word in choices.get(path, "").split() if word.startswith(last)]
    return [word for word in fitting if last or not word.startswith("-")]


def _read(name: str) -> str | None:
    try:
        with open(f"{FOLDER}/{name}.txt", encoding="utf-8") as file:  # noqa: PTH123  pathlib: 5 ms
            return file.read()
    except FileNotFoundError:
        return None
