"""What must be checked of a push while its objects are in git's quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefGuard:
    """One command of a push, and what is to be found out before it is carried out."""

    ref: bytes
    old: str
    new: str
    forbids_force: bool = False
    max_blob_bytes: int | None = None
    vetted: tuple[str, ...] = ()
    """Patterns of refs that have been held to this size before: what they reach is let in."""
    checks: tuple[str, ...] = ()
    """Names of programs that are to look at it."""

    @property
    def has_work(self) -> bool:
        """There is something to find out."""
        return self.forbids_force or self.needs_objects

    @property
    def needs_objects(self) -> bool:
        """More counts than whether it is a fast-forward."""
        return self.max_blob_bytes is not None or bool(self.checks)


@dataclass(frozen=True, slots=True)
class PushGuard:
    """All that is to be looked at in one push."""

    refusals: Mapping[bytes, str]
    """Refs that are refused in any case, with the reason for the client."""
    refs: tuple[RefGuard, ...]
    is_atomic: bool
    side_band: bool
    commands: int
    """How many commands the push has."""
    variables: Mapping[str, str]
    """What checks get to know of the push, as environment variables."""

    @property
    def takes_fast_forwards(self) -> bool:
        """Whatever only adds commits to refs is welcome, so that git need not be asked."""
        return not self.refusals and not any(ref.needs_objects for ref in self.refs)
