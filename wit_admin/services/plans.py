"""Plans: the list of what a command will do, which can be shown before anything is done.

A command that changes many things, or destroys one, defines four things in a :class:`Task`: how to
build the plan (without side effects), how to carry out one action, the lock, and whether many
actions share a transaction. Showing, asking, progress and failures are the same for all commands;
``cli/_plans.py`` does that part for the command line.

An action may be carried out long after its plan was built, and again after a kill. So ``perform``
first looks at the present state, does what is missing in one short transaction (with its audit
event), and succeeds if there is nothing to do. A plan is never stored: if the command is run again,
it plans what is left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar, Generic, TypeVar

from wit_admin.errors import BatchError, UnavailableError, WitError
from wit_admin.services.locks import Lock


@dataclass(frozen=True, slots=True)
class Action(ABC):
    """One step of a plan. Each kind is a frozen dataclass with what it needs."""

    kind: ClassVar[str]
    """One or two words, hyphenated: the same for all actions of the class."""
    is_destructive: ClassVar[bool] = False
    """Whether it deletes or removes something, so that the user is asked first."""

    @property
    @abstractmethod
    def target(self) -> str:
        """The name of what it changes, as users write it."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What will happen, with its reason."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something noticed during planning that the plan does not change."""

    kind: str
    target: str
    sentence: str
    is_failure: bool = False
    """Whether the plan is incomplete because of it."""


A = TypeVar("A", bound=Action)
A_co = TypeVar("A_co", bound=Action, covariant=True)
"""The actions of one command; a union where there are several kinds."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[A_co]):
    """The actions, in order, and the remarks."""

    actions: tuple[A_co, ...] = ()
    remarks: tuple[Remark, ...] = ()
    finish: Callable[[], object] = lambda: None
    """Called after the actions, for bookkeeping that is not reported."""
    rest: Callable[[], Plan[A_co]] | None = None
    """Plans the next part, once these actions are done; for plans that are too large for memory."""

    @property
    def is_destructive(self) -> bool:
        """Whether any action removes something."""
        return any(action.is_destructive for action in self.actions)

    def whole(self) -> Plan[A_co]:
        """Return all parts as one plan, for showing it."""
        actions, remarks, part = [*self.actions], [*self.remarks], self
        while part.rest is not None:
            part = part.rest()
            actions += part.actions
            remarks += part.remarks
        return Plan(tuple(actions), tuple(remarks))

    def count(self) -> dict[str, int]:
        """Return how many actions there are of each kind."""
        return dict(Counter(action.kind for action in self.actions))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as one object of plain values."""
        return {
            "counts": self.count(),
            "actions": [
                {
                    "kind": action.kind,
                    "target": action.target,
                    "sentence": action.sentence,
                    "is_destructive": action.is_destructive,
                }
                for action in self.actions
            ],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of a plan."""

    done: dict[str, int]
    """How many actions of each kind were carried out."""
    failures: tuple[Remark, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def raise_for_failures(self) -> None:
        """Raise an error if an action failed.

        Raises:
            BatchError: Some actions failed; the others are done.
        """
        failed = [*self.failures, *(remark for remark in self.remarks if remark.is_failure)]
        if failed:
            failures = [(remark.target, remark.sentence) for remark in failed]
            total = sum(self.done.values()) + len(failed)
            hint = "The others are done. Fix the cause, then run it again."
            raise BatchError.of(failures, total, "actions", hint=hint)


Progress = Callable[[int, int], object]
"""Called after each step with the numbers of actions that are done, and of all actions."""


@dataclass(frozen=True, slots=True)
class Task(Generic[A]):
    """A command's work: ``build`` plans, ``perform`` acts, ``lock`` excludes other processes."""

    build: Callable[[], Plan[A]]
    perform: Callable[[A], object]
    lock: Lock
    perform_many: Callable[[Sequence[A]], object] | None = None
    """Carries out actions of one kind in one transaction, all or none, where that is faster."""
    batch_size: int = 5000

    def run(self) -> dict[str, int]:
        """Build and apply the plan, unattended; return how many actions of each kind were done.

        Raises:
            BusyError: Another process is doing it.
            BatchError: Some failed; the others are done.
            UnavailableError: The database or the disk is gone.
        """
        with self.lock.hold(wait=False):
            applied = self.apply(self.build())
        applied.raise_for_failures()
        return applied.done

    def apply(self, plan: Plan[A], progress: Progress = lambda done, total: None) -> Applied:
        """Carry out the plan; the caller holds the lock.

        If an action fails, the others are still carried out.

        Raises:
            UnavailableError: The database or the disk is gone, so all other actions would fail.
        """
        done: Counter[str] = Counter()
        failures: list[Remark] = []
        remarks: list[Remark] = []
        total = 0
        part: Plan[A] | None = plan
        while part is not None:
            total += len(part.actions)
            remarks += part.remarks
            for batch in self._batches(part):
                failed = self._do(batch)
                failures += failed
                done[batch[0].kind] += len(batch) - len(failed)
                progress(sum(done.values()) + len(failures), total)
            part.finish()
            part = part.rest() if part.rest else None
        return Applied({kind: n for kind, n in done.items() if n}, tuple(failures), tuple(remarks))

    def _batches(self, plan: Plan[A]) -> Iterator[Sequence[A]]:
        size = self.batch_size if self.perform_many else 1
        for _, same in groupby(plan.actions, key=type):
            actions = tuple(same)
            for start in range(0, len(actions), size):
                yield actions[start : start + size]

    def _do(self, batch: Sequence[A]) -> list[Remark]:
        if self.perform_many is None or len(batch) == 1:
            return [failure for action in batch if (failure := self._do_one(action))]
        try:
            self.perform_many(batch)
        except UnavailableError:
            raise
        except (WitError, OSError):
            # Split again and again: this finds the failing action, and the others get done.
            half = len(batch) // 2
            return self._do(batch[:half]) + self._do(batch[half:])
        return []

    def _do_one(self, action: A) -> Remark | None:
        try:
            self.perform(action)
        except UnavailableError:
            raise
        except WitError as error:
            return Remark(action.kind, action.target, error.message, is_failure=True)
        except OSError as error:
            reason = f"{error.filename or action.target}: {error.strerror or error}."
            return Remark(action.kind, action.target, reason, is_failure=True)
        return None
