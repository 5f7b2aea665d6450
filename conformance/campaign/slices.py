"""Slices of explorations: of each layer a few states, drawn from the seed and the case's number.

Needs numpy.
"""

from __future__ import annotations

import time

from conformance.campaign.case import SLICED, Case
from conformance.explore.search.path import Counterexample, new_run
from conformance.explore.search.run import Options, Report, explore
from conformance.observe.finding import name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.check import Found
from conformance.simulation.choices import choice_of, take_all
from conformance.simulation.run import Run
from conformance.simulation.shrink import shrink
from conformance.subjects.patched import PURE

WIDTH = 20
"""States of each layer: a slice then takes a second or two."""


def explored(case: Case, seed: int) -> Report:
    """What a slice has come to; it holds as many states on any machine."""
    return explore(
        Options(
            SLICED[case.name],
            library=PURE,
            workers=1,
            eventually=False,
            width=WIDTH,
            seed=seed + case.number,
        )
    )


def again(case: Case, seed: int) -> str:
    """The command that explores the same slice, and finds the same."""
    preset, _, name = case.name.partition("/")
    drawn = f"--width {WIDTH} --seed {seed + case.number}"
    return f"explore --preset {preset} --only {name} {drawn}"


def shortened(case: Case, found: Counterexample, seconds: float) -> Found:
    """The moves that led to what was found, as steps, without those that it does not take.

    A slice leaves out the shortest ways there, as a rule.
    """
    bounds = SLICED[case.name]
    choices = [
        choice_of(change.before, step)
        for move in found.moves
        for step, change in zip(move.steps, move.changes, strict=True)
    ]

    def fresh(size: int, recorder: Recorder | None = None) -> Run:
        return new_run(bounds, PURE, size, recorder)

    shortest, _, size = shrink(
        choices, found.finding, found.nodes, fresh, seconds, time.process_time
    )
    recorder = Recorder()
    shown, taken = take_all(fresh(size, recorder), shortest)
    if shown is None or name_of(shown) != name_of(found.finding):  # a question alone shows it
        shown, taken, size, recorder = found.finding, choices, found.nodes, found.recorder
    return Found(
        episode=case.number,
        nodes=size,
        finding=shown,
        choices=taken,
        length_before=len(choices),
        nodes_before=found.nodes,
        events_before=0,
        recorder=recorder,
    )
