"""Runs a plan from the command line: shows it, asks, applies it, reports the result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._output import Output, printable
from wit_admin.garbage import relaxed_collector

if TYPE_CHECKING:
    from wit_admin.services.plans import A, Applied, Plan, Progress, Task

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and change nothing")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]
NoInput = Annotated[
    bool, typer.Option("--no-input", help="Never ask; fail where an answer is needed")
]

_SHOWN_BEFORE_ASKING = 20


@dataclass(frozen=True, slots=True)
class Consent:
    """The options on whether to show, ask, or go ahead."""

    is_dry_run: bool = False
    yes: bool = False
    no_input: bool = False


# A plan of thousands has many objects and hardly a reference cycle.
@relaxed_collector
def run_task(output: Output, task: Task[A], consent: Consent, *, question: str) -> None:
    """Plan, ask ``question`` if the plan takes something away, apply, and print what was done.

    With ``--dry-run`` the plan itself is the result.

    Raises:
        BatchError: Some actions failed; the others are done, and the result is printed.
        InvalidInputError: It must be confirmed, and nobody can be asked.
        RefusedError: The answer was no.
    """
    if consent.is_dry_run:
        show_plan(output, task.build().whole())
        return
    with task.lock.hold():
        plan = task.build()
        must_ask = plan.is_destructive and not consent.yes
        if not must_ask:
            applied = _apply(output, task, plan)
    if must_ask:
        # The lock is not held while a person thinks; each action checks the present state.
        confirm_plan(output, plan, consent, question=question)
        with task.lock.hold():
            applied = _apply(output, task, plan)
    _show_result(output, applied)
    applied.raise_for_failures()


def confirm_plan(output: Output, plan: Plan[A], consent: Consent, *, question: str) -> None:
    """Show what a plan removes and ask, unless it removes nothing or ``--yes`` was given.

    Raises:
        InvalidInputError: It must be confirmed, and nobody can be asked.
        RefusedError: The answer was no.
    """
    if plan.is_destructive and not consent.yes:
        _show_what_goes(output, plan)
        output.confirm(question, yes=False, may_ask=not consent.no_input)


def _apply(output: Output, task: Task[A], plan: Plan[A]) -> Applied:
    with _progress(output) as progress:
        return task.apply(plan, progress)


def show_plan(output: Output, plan: Plan[A]) -> None:
    """Print a plan, for ``--dry-run``."""
    if output.as_json:
        output.result(plan.to_json(), plain="")
        return
    output.rows([*plan.actions, *plan.remarks], "kind", "target", "sentence")
    counts = ", ".join(f"{kind} {count}" for kind, count in plan.count().items())
    output.note(f"Would be done: {counts}." if counts else "There is nothing to do.")


def _show_what_goes(output: Output, plan: Plan[A]) -> None:
    condemned = [action for action in plan.actions if action.is_destructive]
    for action in condemned[:_SHOWN_BEFORE_ASKING]:
        output.note(printable(f"{action.target}: {action.sentence}"))
    if len(condemned) > _SHOWN_BEFORE_ASKING:
        output.note(f"And {len(condemned) - _SHOWN_BEFORE_ASKING} more; --dry-run shows all.")


def _show_result(output: Output, applied: Applied) -> None:
    if output.as_json:
        output.result(applied, plain="")
        return
    for remark in [*applied.remarks, *applied.failures]:
        output.note(printable(f"{remark.kind} {remark.target}: {remark.sentence}"))
    if not applied.done:
        output.note("Nothing was changed.")
    for kind, count in applied.done.items():
        output.result(None, plain=f"{kind}\t{count}")


@contextmanager
def _progress(output: Output) -> Iterator[Progress]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    if output.quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task_id = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task_id, completed=done, total=total)
