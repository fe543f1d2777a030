"""Validates profile fields: text, e-mail addresses, links."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wit_admin.errors import InvalidInputError

_MAX_CHARACTERS = {"bio": 2000, "description": 2000}
_LONGEST_LINE = 255
_LONGEST_EMAIL = 254
"""The limit of RFC 5321 for a path, without the brackets."""
_LINKS = ("website", "avatar_url")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]+@[^\s@<>\"(),:;\\.]+(\.[^\s@<>\"(),:;\\.]+)*")


def check_profile(fields: Mapping[str, object]) -> None:
    """Refuse text that could break a page or a terminal; ``None`` and booleans pass.

    Raises:
        InvalidInputError: A field is too long, has control characters, or is not a link.
    """
    for name, value in fields.items():
        if isinstance(value, str):
            _check_text(name, value)


def check_email(text: str) -> None:
    """Refuse text that cannot be an e-mail address; whether mail arrives is not checked.

    Raises:
        InvalidInputError: It is not an e-mail address.
    """
    if len(text) > _LONGEST_EMAIL or not _EMAIL.fullmatch(text) or not _is_clean(text):
        raise InvalidInputError("This is not an e-mail address.", hint="Write it as NAME@HOST.")


def _check_text(name: str, text: str) -> None:
    label = f"The {name.replace('_', ' ')}"
    longest = _MAX_CHARACTERS.get(name, _LONGEST_LINE)
    if len(text) > longest:
        raise InvalidInputError(f"{label} is longer than {longest} characters.")
    if not _is_clean(text):
        raise InvalidInputError(f"{label} has control characters.")
    is_link = text.startswith(("https://", "http://")) and not any(map(str.isspace, text))
    if name in _LINKS and not is_link:
        raise InvalidInputError(f"{label} is not a link.", hint="A link begins with https://")


def _is_clean(text: str) -> bool:
    has_controls = any(char < " " or "\x7f" <= char <= "\x9f" for char in text.replace("\n", ""))
    has_halves = any("\ud800" <= char <= "\udfff" for char in text)
    return not has_controls and not has_halves
