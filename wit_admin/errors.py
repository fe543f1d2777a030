"""The tree of errors, with messages for people. Nothing here knows of exit codes or HTTP.

WitError
├── RefusedError              the request is understood and not granted
│   ├── NotFoundError         no such thing, or not for this caller to know of
│   ├── ConflictError         it exists already, or its state forbids the change
│   │   └── BusyError         another process is at the same work
│   ├── NotAllowedError       the caller is known and may not
│   │   └── RefsRefusedError  of a push, for one reason at each ref
│   ├── TooManyAttemptsError  to sign in, for now
│   └── UnauthenticatedError  the caller must say who they are
├── InvalidInputError         the request itself is malformed
│   └── TooLargeError         well formed, but over a limit
├── ConfigError               a setting is missing or unusable
├── UnavailableError          database, git or a remote service cannot be reached
├── JjError                   what jj stored cannot be read
│   ├── NoJjRepositoryError   there is none, or its workspace was left behind
│   ├── UnsupportedJjError    stores or object formats that we do not know
│   ├── JjPathError           a path in it leads out of where it may be
│   ├── DamagedJjError        torn, malformed, endless or too large
│   │   └── TooLargeJjError   larger than anything that people work with
│   ├── MissingJjError        named by something that stands, and not there itself
│   └── UnreadableJjError     the disk or its permissions forbid it
└── BatchError                a batch finished and some of its items failed

Each is raised with a sentence that says what happened; ``hint`` says what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class WitError(Exception):
    """Base of every error that is meant to be shown to a person."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def kind(self) -> str:
        """The class as programs read it: ``not_found``, …; ``internal`` for a bug of ours."""
        name = type(self).__name__.removesuffix("WitError").removesuffix("Error")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)[1:] or "internal"


class RefusedError(WitError):
    """The request is understood and not granted."""


class NotFoundError(RefusedError):
    """There is no such thing, or the caller may not know of it."""


class ConflictError(RefusedError):
    """It exists already, or its present state forbids the change."""


class BusyError(ConflictError):
    """Another process is at the same work."""


class NotAllowedError(RefusedError):
    """The caller is known and may not do this."""


class RefsRefusedError(NotAllowedError):
    """None of the refs of a push may be changed so; ``reasons`` says why, ref by ref."""

    def __init__(
        self, message: str, *, hint: str | None = None, reasons: Mapping[bytes, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reasons = reasons or {}


class TooManyAttemptsError(RefusedError):
    """Too many passwords were tried; the next may be tried in ``wait_s`` seconds."""

    def __init__(
        self,
        message: str = "There were too many attempts to sign in.",
        *,
        hint: str | None = None,
        wait_s: int = 1,
    ) -> None:
        super().__init__(message, hint=hint or f"Try again in {wait_s} seconds.")
        self.wait_s = wait_s


class UnauthenticatedError(RefusedError):
    """The caller must say who they are, or was not recognised."""


class InvalidInputError(WitError):
    """The request itself is malformed."""


class TooLargeError(InvalidInputError):
    """The request is well formed, but over a limit."""


class ConfigError(WitError):
    """A setting is missing or unusable."""


class UnavailableError(WitError):
    """The database, git or a remote service cannot be reached; trying again may help."""


class JjError(WitError):
    """What jj stored cannot be read."""


class NoJjRepositoryError(JjError):
    """There is no jj repository, or a workspace whose repository is gone."""


class UnsupportedJjError(JjError):
    """Its stores are of an unknown kind, so nothing is read: it could only be guessed."""


class JjPathError(JjError):
    """A pointer or a link in it leads out of the folder that it must stay in."""


class DamagedJjError(JjError):
    """Something in it is torn, malformed, endless or larger than we read."""


class TooLargeJjError(DamagedJjError):
    """To compare what is in it would take hours or gigabytes."""


class MissingJjError(JjError):
    """Something that is named is not there: jj moved on meanwhile, or it is lost."""


class UnreadableJjError(JjError):
    """The disk fails, or its permissions forbid to read it."""


class BatchError(WitError):
    """A batch ran to its end, and some of its items failed."""

    @classmethod
    def of(
        cls, failures: Sequence[tuple[str, str | None]], total: int, items: str, *, hint: str | None
    ) -> BatchError:
        """Return the error of a batch of ``total`` items; ``failures`` are names with reasons."""
        name, reason = failures[0]
        return cls(f"{len(failures)} of {total} {items} failed, first {name}: {reason}", hint=hint)
