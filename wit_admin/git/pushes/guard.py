"""Describes the checks of a push while its objects are in git's quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefGuard:
    """One command of a push, and the checks that it must pass."""

    ref: bytes
    old: str
    new: str
    forbids_force: bool = False
    max_blob_bytes: int | None = None
    vetted: tuple[str, ...] = ()
    """Patterns of refs with the same size limit: objects that they reach were checked before."""
    checks: tuple[str, ...] = ()
    """Names of the operator's programs that must accept it."""

    @property
    def has_work(self) -> bool:
        """Whether there is anything to check."""
        return self.forbids_force or self.needs_objects

    @property
    def needs_objects(self) -> bool:
        """Whether a check needs more than to know if it is a fast-forward."""
        return self.max_blob_bytes is not None or bool(self.checks)


@dataclass(frozen=True, slots=True)
class PushGuard:
    """All checks of one push."""

    refusals: Mapping[bytes, str]
    """Refs that are refused without a check, with the reason for the client."""
    refs: tuple[RefGuard, ...]
    is_atomic: bool
    side_band: bool
    commands: int
    """The number of commands in the push."""
    variables: Mapping[str, str]
    """Environment variables for the operator's programs, which describe the push."""

    @property
    def takes_fast_forwards(self) -> bool:
        """Whether every fast-forward is accepted, so that it can be carried out in process."""
        return not self.refusals and not any(ref.needs_objects for ref in self.refs)
