"""Which operations count, told anew or from what counted before: the same."""

from __future__ import annotations

import dataclasses
import random

import pytest

from wit_admin.jj.ids import ROOT_OPERATION_ID
from wit_admin.jj.operations import ROOT_OPERATION
from wit_admin.jj.undo import Effect, Step, compare_undone, find_undone, parse_effect


def make_log(chance: random.Random, size: int) -> list[dict[str, Step]]:
    """Return a log as it grew: undo, redo, restore, revert, and concurrent operations."""
    steps: dict[str, Step] = {}
    log = [dict(steps)]
    now = 0
    for number in range(size):
        ids = list(steps)
        recent = ids[-4:]
        parents: tuple[str, ...] = (recent[-1] if recent else ROOT_OPERATION_ID,)
        if len(recent) > 2 and chance.random() < 0.25:
            parents = tuple(chance.sample(recent, chance.choice([1, 2])))
        effect = None
        if chance.random() < 0.5:
            targets = [ROOT_OPERATION_ID, *(recent if chance.random() < 0.7 else ids)]
            kind = chance.choice(["inverse", "jump", "jump"])
            effect = Effect(kind, chance.choice(targets))  # type: ignore[arg-type]
        # Some end in the same millisecond as their parents.
        now += chance.choice([0, 10])
        steps[f"{number:03}"] = Step(parents, now, effect)
        log.append(dict(steps))
    return log


def heads_of(steps: dict[str, Step]) -> set[str]:
    return steps.keys() - {parent for step in steps.values() for parent in step.parents}


@pytest.mark.parametrize("seed", range(4))
def test_what_changed_is_the_difference_of_what_counts_before_and_after(seed: int) -> None:
    chance = random.Random(seed)
    log: list[dict[str, Step]] = []
    for turn in range(400):
        log = make_log(chance, 30) if turn % 10 == 0 else log
        first, last = sorted(chance.sample(range(len(log)), 2))
        old, new = log[first], log[last]

        redone, undone = compare_undone(
            new.__getitem__, heads_of(old), heads_of(new), find_old=itself, find_new=itself
        )

        live_before = old.keys() - find_undone(old, heads_of(old))
        live_now = new.keys() - find_undone(new, heads_of(new))
        assert (redone, undone) == (live_now - live_before, live_before - live_now)


@pytest.mark.parametrize(
    ("args", "is_whole"),
    [
        ("jj undo", True),
        ("jj op restore 12 --what repo --what=remote-tracking", True),
        ("jj op restore --what=repo 12", False),
        ("jj op restore 12 --what remote-tracking", False),
        ("jj describe -m --whatever", True),
    ],
)
def test_what_was_restored_in_part_did_not_undo_the_rest(args: str, is_whole: bool) -> None:
    operation = dataclasses.replace(
        ROOT_OPERATION, description=f"restore to operation {'1' * 128}", attributes={"args": args}
    )

    assert (parse_effect(operation) is not None) is is_whole


def itself(operation_id: str) -> str:
    return operation_id


@pytest.mark.parametrize("effect", [None, Effect("jump", "04995"), Effect("inverse", "04990")])
def test_old_operations_are_not_looked_at(effect: Effect | None) -> None:
    steps = {
        f"{number:05}": Step((f"{number - 1:05}" if number else ROOT_OPERATION_ID,), number, None)
        for number in range(5000)
    }
    steps["new"] = Step(("04999",), 5000, effect)
    met = set()

    def read(operation_id: str) -> Step:
        met.add(operation_id)
        return steps[operation_id]

    redone, undone = compare_undone(read, ["04999"], ["new"], find_old=itself, find_new=itself)

    assert redone == {"new"}
    assert undone == steps.keys() & find_undone(steps, ["new"])
    assert len(met) < 20
