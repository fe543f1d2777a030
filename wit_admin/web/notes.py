"""Facts about a request, collected for the access log and the metrics."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from starlette.types import Scope

_KEY = "wit_admin.notes"


class Operation(enum.StrEnum):
    """The kind of a request; there are few, since each becomes a label in the metrics."""

    ADVERTISEMENT = "advertisement"
    LS_REFS = "ls_refs"
    UPLOAD_PACK = "upload_pack"
    RECEIVE_PACK = "receive_pack"
    HEALTH = "health"
    METRICS = "metrics"
    API = "api"


class Outcome(enum.StrEnum):
    """How a request ended."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    GONE = "gone"
    """The client left, or the server was stopped, before the answer was complete."""


@dataclass(slots=True)
class Notes:
    """The facts about one request; each layer fills in what it knows."""

    request_id: str
    operation: Operation = Operation.API
    user: str | None = None
    is_gone: bool = False
    status: int = 0
    told: Outcome | None = None
    """What the answer itself tells the client, under the status 200 that it began with."""
    bytes_in: int = 0
    bytes_out: int = 0
    pushes: int = field(default=0)
    clones: int = field(default=0)

    @property
    def outcome(self) -> Outcome:
        """By the status, unless the answer was never completed or tells more."""
        if self.is_gone:
            return Outcome.GONE
        if self.told is not None:
            return self.told
        if self.status >= 500 or self.status == 0:  # noqa: PLR2004  HTTP
            return Outcome.FAILED
        return Outcome.REFUSED if self.status >= 400 else Outcome.OK  # noqa: PLR2004  HTTP


def put_notes(scope: Scope, notes: Notes) -> None:
    """Attach ``notes`` to a request."""
    scope[_KEY] = notes


def notes_of(scope: Scope) -> Notes:
    """Return the notes of a request."""
    notes: Notes = scope[_KEY]
    return notes
