"""Globs over full ref names, as git matches them itself.

``*`` and ``?`` do not match a slash. ``**`` between slashes, or at an end, matches any number of
parts. Whatever is accepted here means to git's own matcher the same.
Source: git's wildmatch.c with WM_PATHNAME; gitignore(5).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache

from wit_admin.errors import InvalidInputError
from wit_admin.git.refs.names import HEADS_TEXT

_MAX_CHARACTERS = 200
_SLASH = ord("/")
_BAD = re.compile(r"[\x00-\x20\x7f~^:\[\\\]]|\.\.|@\{|//|/\.|\.lock(?:/|$)|\.$|/$")
"""Characters that no ref name has, and git's brackets and backslashes, which refs do not need."""
_STARS = re.compile(r"\*+")


class _Wild(enum.Enum):
    """What a pattern holds besides plain bytes."""

    ONE = enum.auto()
    """Any byte but a slash."""
    RUN = enum.auto()
    """Any number of these."""
    ALL = enum.auto()
    """Any number of any bytes."""
    PARTS = enum.auto()
    """Any number of parts of a name, each with its slash."""


@dataclass(frozen=True, slots=True)
class RefPattern:
    """A pattern that matches refs; its text is in full form: ``refs/heads/release/*``."""

    text: str

    @classmethod
    def parse(cls, text: str) -> RefPattern:
        """Read a pattern; one that does not begin with ``refs/`` is over branches.

        Raises:
            InvalidInputError: No ref can match it, or it has brackets or backslashes.
        """
        full = text if text.startswith("refs/") else HEADS_TEXT + text
        if not text or text.startswith("/") or _BAD.search(full):
            raise InvalidInputError(
                f"{text!r} is not a pattern for refs.",
                hint="Write a branch or a full ref, with '*', '**' and '?': release/*.",
            )
        if len(full.encode()) > _MAX_CHARACTERS:
            raise InvalidInputError(f"A pattern may have at most {_MAX_CHARACTERS} bytes.")
        return cls(full)

    def matches(self, ref: bytes) -> bool:
        """Return whether the pattern matches all of ``ref``; takes time linear in its length."""
        prefix, tokens = _compile(self.text)
        if not tokens:
            return ref == prefix
        return ref.startswith(prefix) and _run(tokens, ref[len(prefix) :])


_Token = int | _Wild


@lru_cache(maxsize=1024)
def _compile(text: str) -> tuple[bytes, tuple[_Token, ...]]:
    """Return the plain bytes that a pattern begins with, and what follows them."""
    start = re.search(r"[*?]", text)
    if start is None:
        return text.encode(), ()
    tokens: list[_Token] = []
    at = start.start()
    while at < len(text):
        stars = _STARS.match(text, at)
        if stars is None:
            tokens += [_Wild.ONE] if text[at] == "?" else [*text[at].encode()]
            at += 1
            continue
        at = stars.end()
        begins = text[stars.start() - 1] == "/"
        if len(stars[0]) > 1 and begins and text[at : at + 1] == "/":
            tokens.append(_Wild.PARTS)
            at += 1
        else:
            tokens.append(
                _Wild.ALL if len(stars[0]) > 1 and begins and at == len(text) else _Wild.RUN
            )
    return text[: start.start()].encode(), tuple(tokens)


def _run(tokens: tuple[_Token, ...], rest: bytes) -> bool:
    # All positions in the pattern at once: going back, as for a regular expression, could take
    # very long for names that somebody chose for it.
    states = _closure(tokens, 0)
    for byte in rest:
        states = {after for state in states for after in _step(tokens, state, byte)}
        if not states:
            return False
    return len(tokens) in states


def _step(tokens: tuple[_Token, ...], state: int, byte: int) -> set[int]:
    if state == len(tokens):
        return set()
    match tokens[state]:
        case _Wild.ONE:
            return _closure(tokens, state + 1) if byte != _SLASH else set()
        case _Wild.RUN:
            return _closure(tokens, state) if byte != _SLASH else set()
        case _Wild.ALL:
            return _closure(tokens, state)
        case _Wild.PARTS:
            # Within a part it can only go on; behind a slash it may also end.
            return _closure(tokens, state) if byte == _SLASH else {state}
        case plain:
            return _closure(tokens, state + 1) if byte == plain else set()


def _closure(tokens: tuple[_Token, ...], state: int) -> set[int]:
    """Return a position and those that are reached from it without a byte."""
    found = {state}
    while state < len(tokens) and tokens[state] in {_Wild.RUN, _Wild.ALL, _Wild.PARTS}:
        state += 1
        found.add(state)
    return found
