"""Parses and renders the section ``[wit]`` of a repository's config.

Read here and not by libgit2, which follows includes to anywhere, nor by a child, of which a sync of
thousands would need thousands. A file that git would refuse says nothing.
Source: git-config(1), Syntax; git's config.c, ``git_parse_source``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# Only what is one character at a time is possessive: before 3.11.5 Python took half of a longer
# alternative that fails within such a repetition (gh-106052). Backtracking stays linear, as the
# first character tells the alternatives apart.
_TOKEN = re.compile(
    rb"""
    [\ \t\r\n]*+
    (?: [#;][^\n]*+
    | \[ (?P<section> [A-Za-z0-9.-]+ ) (?: [\ \t\r]+ (?P<sub> "(?: \\. | [^"\\\n] )*" ) )? \]
    | (?P<key> [A-Za-z][A-Za-z0-9-]*+ ) [\ \t]*+
      (?: = (?P<value> (?: "(?: \\[tbn\\"\n] | [^"\\\n] )*" | \\[tbn\\"\n] | [^"\\\n#;] )* )
          (?: [#;][^\n]*+ )? )?
      (?= \n | \Z )
    | \Z
    )
    """,
    re.VERBOSE,
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACES = " \t\r"
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}


def has_own(config: bytes) -> bool:
    """Return whether the content of a config may have values of ours."""
    return b"[wit]" in config.lower()


def parse_own(config: bytes) -> dict[str, str]:
    """Return the values of ``[wit]`` by key, as git reads them; includes are not followed."""
    if not has_own(config):
        return {}
    own: dict[str, str] = {}
    is_ours = False
    try:
        for token in _tokens(config.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")):
            section, sub, key, value = token.groups()
            if section:
                is_ours = section.lower() == b"wit" and sub is None
            elif is_ours and key:
                own[key.decode().lower()] = _value(value)
    except ValueError:
        return {}
    return own


def render_own(values: Mapping[str, str | None]) -> bytes:
    """Return a section to add to a config that ends in a line feed."""
    lines = [f"\t{key} = {_quote(value)}\n" for key, value in values.items() if value is not None]
    return f"[wit]\n{''.join(lines)}".encode("utf-8", "replace")


def _tokens(config: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the parts of a config.

    Raises:
        ValueError: git would call it a bad config.
    """
    position = 0
    while position < len(config):
        token = _TOKEN.match(config, position)
        if token is None:
            raise ValueError(position)
        yield token
        position = token.end()


def _value(raw: bytes | None) -> str:
    if raw is None:
        return "true"
    text = raw.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    if '"' in text or "\\" in text:
        return _unquote(text.replace("\\\n", ""))
    return text.strip(_SPACES)


def _unquote(value: str) -> str:
    """Remove quotes, escapes and outer spaces from a value."""
    shown, is_quoted, kept = "", False, 0
    characters = iter(value)
    for character in characters:
        if character == '"':
            is_quoted = not is_quoted
            continue
        is_escaped = character == "\\"
        if is_escaped:
            escape = next(characters)
            character = _ESCAPES.get(escape, escape)  # noqa: PLW2901  what it stands for
        is_kept = is_quoted or is_escaped or character not in _SPACES
        if shown or is_kept:
            shown += character
        if is_kept:
            kept = len(shown)
    return shown[:kept]


def _quote(value: str) -> str:
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\0", "") + '"'
