"""Query parameters of the JSON API; unknown and repeated ones are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from starlette.requests import Request

from wit_admin.db.paging import PageRequest
from wit_admin.errors import InvalidInputError
from wit_admin.web.json_api import is_storable

_MAX_CHARACTERS = 1000
_PAGE = ("limit", "after")


class Parameters:
    """The parameters of one request.

    Raises:
        InvalidInputError: A parameter is unknown, given twice, too long or has bad characters.
    """

    def __init__(self, request: Request, known: Iterable[str], *, is_list: bool = True) -> None:
        allowed = {*known, *(_PAGE if is_list else _PAGE[:1])}
        self._given: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in allowed:
                listed = ", ".join(sorted(allowed))
                raise InvalidInputError(
                    "There is an unknown query parameter.", hint=f"Known are {listed}."
                )
            if name in self._given:
                raise InvalidInputError(f"The parameter '{name}' was given twice.")
            if len(value) > _MAX_CHARACTERS or not is_storable(value):
                raise InvalidInputError(
                    f"The parameter '{name}' is too long or has characters that are not allowed."
                )
            self._given[name] = value

    def text(self, name: str) -> str | None:
        """Return a text; ``None`` if it is absent or empty."""
        return self._given.get(name) or None

    def flag(self, name: str) -> bool | None:
        """Return ``true`` or ``false``; ``None`` if the parameter is absent.

        Raises:
            InvalidInputError: It is neither.
        """
        return self.choice(name, {"true": True, "false": False})

    def choice(self, name: str, choices: Mapping[str, bool | None]) -> bool | None:
        """Return the value of one of the words; ``None`` if the parameter is absent.

        Raises:
            InvalidInputError: It is another word.
        """
        word = self._given.get(name)
        if word is None:
            return None
        if word not in choices:
            _refuse(name, choices)
        return choices[word]

    def page(self) -> PageRequest:
        """Return the wanted page.

        Raises:
            InvalidInputError: The limit is not a number, or out of range.
        """
        return PageRequest(self.limit(), self._given.get("after"))

    def limit(self) -> int:
        """Return the most rows that are wanted.

        Raises:
            InvalidInputError: It is not a number.
        """
        text = self._given.get("limit", str(PageRequest().limit))
        if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004  far over the limit
            raise InvalidInputError("The parameter 'limit' must be a number.")
        return PageRequest(int(text)).limit


def _refuse(name: str, words: Iterable[str]) -> NoReturn:
    raise InvalidInputError(f"The parameter '{name}' is one of {', '.join(words)}.")
