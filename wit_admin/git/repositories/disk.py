"""The repository root, with the services that inspect repositories in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.log import fields

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Disk:
    """The repositories below one root."""

    root: Path
    inspector: Inspector
    """Decides whether git may open a repository."""
    ancestry: Ancestry
    """Decides which updates were forced."""


@contextmanager
def changing_the_disk() -> Iterator[None]:
    """Convert errors of a full, read-only or broken disk to an error with a message.

    Raises:
        UnavailableError: The system refused an operation. The log says which.
    """
    try:
        yield
    except OSError as error:
        log.warning("Writing to the repositories failed.", extra=fields(reason=error))
        raise UnavailableError(
            f"The server cannot write to its repositories: {error.strerror}.",
            hint="An operator finds the place in the log.",
        ) from error
