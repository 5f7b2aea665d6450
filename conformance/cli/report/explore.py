"""What people read of an exploration."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from conformance.cli.report.parts import columns, print_again, print_difference, print_states
from conformance.cli.text import escape
from conformance.explore.search.narrate import narrate
from conformance.explore.search.run import Report
from conformance.explore.search.suite import SuiteReport
from conformance.explore.states.bounds import of_bounds
from conformance.observe.finding import Difference, describe, name_of


def print_suite(console: Console, suite: SuiteReport, trace: Path | None, again: str = "") -> None:
    """`again`: options with which the same is found once more."""
    counts = ("distinct states", "generated", "depth", "node transitions", "seconds")
    table = columns("bounds", *counts, "", right=counts)
    for name, run in suite.runs.items():
        table.add_row(
            name,
            f"{run.distinct:,}",
            f"{run.generated:,}",
            str(run.depth),
            f"{run.transitions:,}",
            f"{run.seconds:.1f}",
            _ending(run),
        )
    console.print(table)
    _print_unseen(console, suite)
    if suite.found is not None:
        _print_found(console, suite, trace, again)
    elif suite.verdict == "conforms":
        console.print("\n[bold green]conforms[/]: every state within the bounds was visited")
    else:
        console.print("\n[bold yellow]inconclusive[/]: nothing wrong in what was visited")


def _ending(run: Report) -> str:
    if run.complete and run.stopped_by is None:
        return "complete"
    return f"stopped by {run.stopped_by or 'the finding'}"


def _print_unseen(console: Console, suite: SuiteReport) -> None:
    """What these explorations say nothing about."""
    unseen = [name for name, count in suite.witnesses.items() if not count]
    unfired = [name for name, count in suite.rules.items() if not count]
    if unseen:
        console.print(f"[yellow]never seen[/] (SOMETIMES): {', '.join(unseen)}")
    if unfired:
        console.print(f"[yellow]never fired[/] (rules of the specification): {', '.join(unfired)}")


def _print_found(console: Console, suite: SuiteReport, trace: Path | None, again: str) -> None:
    found = suite.found
    assert found is not None
    options = list(suite.runs.values())[-1].options
    fewer = ", and in no fewer" if options.width is None else ""
    console.print(
        f"\n[bold red]violation[/]: {name_of(found.finding)} in {len(found.moves)} moves{fewer}"
    )
    for line in narrate(found):
        console.print(escape(line), soft_wrap=True, highlight=False)
    turns = [change.turn for move in found.moves[-1:] for change in move.changes if change.turn]
    if turns:
        print_states(console, "the last move", turns[0].before, turns[-1].after)
    if isinstance(found.finding, Difference):
        print_difference(console, found.finding)
    else:
        console.print(f"\n{escape(describe(found.finding))}", soft_wrap=True)
    if trace is not None:
        console.print()
    symmetry = "" if options.symmetry else " --no-symmetry"
    width = "" if options.width is None else f" --width {options.width} --seed {options.seed}"
    print_again(console, trace, f"explore {of_bounds(options.bounds)}{symmetry}{width}{again}")
