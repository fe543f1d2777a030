"""Bounds the comparison of trees and files: hostile ones repeat themselves almost without end.

A few trees that hold each other many times over, or files of nothing but line ends, are small to
store and to push, but would take years or gigabytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from wit_admin.errors import TooLargeJjError

_MOST = 20_000_000
_FOR_EACH = 200_000
"""More than commits take in large repositories, so their number does not matter."""
_FOR_A_FOLDER = 10
LEAVE_OUT = "Leave conflicts out with '--kinds changes,bookmarks,operations'."
"""What to do where conflicts are too many."""


@dataclass(slots=True)
class Effort:
    """What may still be spent on the commits of one repository."""

    left: int = _MOST
    """Entries of trees, and lines of files; a million take about a second."""

    def begin(self) -> None:
        """Allow for one more commit."""
        self.left = min(_MOST, self.left + _FOR_EACH)

    def spend(self, amount: int) -> None:
        """Take off the entries of a folder, or lines.

        Raises:
            TooLargeJjError: That is more than is left.
        """
        self.left -= _FOR_A_FOLDER + amount
        if self.left < 0:
            raise TooLargeJjError(
                "Its trees and files are too many or too large to be compared.",
                hint=LEAVE_OUT,
            )
