"""`conformance explore`: its options, and where what it finds goes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conformance.cli.options import FINDINGS, Json, Out, Pages, Seconds, Seed, workers_of
from conformance.cli.terminal import conclude, page_beside, progress, refuse, save_trace, started
from conformance.explore.states.bounds import PRESETS, BadBounds, Bounds
from conformance.observe.limits import MAX_EXPLORED

if TYPE_CHECKING:
    from conformance.explore.search.run import Options
    from conformance.explore.search.suite import SuiteReport

Preset = Enum("Preset", {name: name for name in PRESETS}, type=str)  # type: ignore[misc]


def bound(help_: str) -> Any:
    return typer.Option(min=0, help=help_, rich_help_panel="Bounds")


def explore_command(
    preset: Annotated[
        Preset | None,
        typer.Option(help="Several bounds with names: under a minute, minutes, hours."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a preset, only these bounds.")
    ] = None,
    nodes: Annotated[int | None, bound(f"Servers, at most {MAX_EXPLORED}.  Default 3.")] = None,
    voters: Annotated[
        int | None,
        bound("Voters at the start, 5 at most unless --no-symmetry; the others may join."),
    ] = None,
    terms: Annotated[int | None, bound("The highest term.  Default 2.")] = None,
    log: Annotated[int | None, bound("The highest index.  Default 3.")] = None,
    in_flight: Annotated[int | None, bound("Messages under way at a time.  Default 2.")] = None,
    proposals: Annotated[int | None, bound("Commands proposed in a run.  Default 1.")] = None,
    crashes: Annotated[int | None, bound("Crashes, between any two actions.  Default 0.")] = None,
    losses: Annotated[
        str | None,
        typer.Option(help="Messages lost, or 'any'.  Default any.", rich_help_panel="Bounds"),
    ] = None,
    duplications: Annotated[int | None, bound("Messages duplicated.  Default 0.")] = None,
    shortened: Annotated[int | None, bound("Calls sent with fewer entries.  Default 0.")] = None,
    heartbeats: Annotated[int | None, bound("Heartbeats of leaders.  Default 0.")] = None,
    snapshots: Annotated[int | None, bound("Logs compacted.  Default 0.")] = None,
    changes: Annotated[int | None, bound("Changes of membership proposed.  Default 0.")] = None,
    demotions: Annotated[
        int | None, bound("Voters that become non-voters by such a change.  Default 0.")
    ] = None,
    step_downs: Annotated[int | None, bound("Leaders that step down.  Default 0.")] = None,
    transfers: Annotated[
        int | None, bound("Leaderships that are to be handed over.  Default 0.")
    ] = None,
    held: Annotated[int | None, bound("Inputs not drained at once.  Default 0.")] = None,
    entries: Annotated[int | None, bound("Entries a call carries at most.  Default 500.")] = None,
    calls: Annotated[
        int | None, bound("Full calls under way to a node that catches up.  Default 8.")
    ] = None,
    ask_again: Annotated[
        int | None, bound("Calls until a snapshot is asked for again.  Default 1.")
    ] = None,
    symmetry: Annotated[
        bool, typer.Option(help="Take states that differ in names only for one.")
    ] = True,
    eventually: Annotated[
        bool, typer.Option(help="Check that nothing ends in a trap, once all is explored.")
    ] = True,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Another program, which speaks the subject protocol, in place of the library: "
            "what it shows is compared.  The protocol sets no node to a state, so the node is "
            "brought there by all that led to it; with --no-symmetry, in one thread.",
        ),
    ] = None,
    workers: Annotated[int, workers_of("Threads")] = 0,
    seconds: Seconds = None,
    memory: Annotated[
        int | None, typer.Option(min=64, metavar="MB", help="Spill to disk at half, stop at all.")
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of each layer only so many states, drawn by --seed: a slice, inconclusive."
        ),
    ] = None,
    seed: Seed = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from it if it is there; leave one.")
    ] = None,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Visit every state of a bounded cluster, breadth first.

    Specification and library are compared on every transition of a node, every property is checked
    on every state and step, and that a leader can still be elected and commit is checked from all
    of them.  The first finding is one that no fewer moves lead to.
    """
    from conformance.cli.report.explore import print_suite
    from conformance.explore.search.run import Options, progress_line
    from conformance.explore.search.store import BadCheckpoint
    from conformance.explore.search.suite import explore_all

    given = {
        name: value
        for name, value in locals().items()
        if value is not None and name in {field.name for field in fields(Bounds)}
    }
    try:
        named = _named(preset, only, given)
        options = Options(
            symmetry=symmetry and subject is None,
            # What is drawn, and a node's past, would depend on who is faster.
            workers=workers if width is None and subject is None else 1,
            seconds=seconds,
            megabytes=memory,
            checkpoint=checkpoint,
            eventually=eventually,
            width=width,
            seed=seed,
        )
        apart = "--width" if width is not None else "--subject" if subject is not None else None
        if apart is not None and (checkpoint is not None or workers > 1):
            raise BadBounds(f"{apart}: expected neither --checkpoint nor --workers with it")
        if checkpoint is not None and not checkpoint.resolve().parent.is_dir():
            raise BadCheckpoint(f"{checkpoint}: its directory does not exist")
        with (
            _compared(subject, named, options, as_json) as options,
            progress("exploring", as_json) as tell,
        ):
            suite = explore_all(named, options, lambda name, now: tell(progress_line(name, now)))
    except (BadBounds, BadCheckpoint) as error:
        refuse(str(error), as_json)
    trace = save_exploration(suite, out_dir, pages)
    again = "" if subject is None else f" --subject {shlex.quote(subject)}"
    shown = partial(print_suite, suite=suite, trace=trace, again=again)
    written = str(trace) if trace else None
    conclude(suite, as_json, shown, trace=written, page=page_beside(trace))


@contextmanager
def _compared(
    command: str | None, named: Mapping[str, Bounds], options: Options, as_json: bool
) -> Iterator[Options]:
    """The options with which a program is compared; it ends with the block.  Raises BadBounds."""
    if command is None:
        yield options
        return
    from conformance.explore.search.replayed import Replayed, needed
    from conformance.subjects.foreign.process import SubjectError

    with started(command, as_json) as host:
        for name, bounds in named.items():
            missing = sorted(needed(bounds).intersection(host.hello.lacks))
            if missing:
                raise BadBounds(
                    f"--subject within the bounds {name}: it lacks {', '.join(missing)}, which the "
                    "specification does there; expected bounds without that"
                )
        try:
            yield replace(
                options, library=None, comparison=lambda bounds: Replayed(host, bounds).difference
            )
        except SubjectError as error:
            refuse(f"the subject does not start again: {error}", as_json, "inconclusive")


def _named(preset: Any, only: str | None, given: dict[str, Any]) -> dict[str, Bounds]:
    if preset is None:
        if only is not None:
            raise BadBounds("--only: expected --preset with it")
        return {"bounds": _bounds(given)}
    if given:
        name = next(iter(given)).replace("_", "-")
        raise BadBounds(f"--{name}: expected either --preset or bounds, not both")
    named = PRESETS[preset.value]
    if only is None:
        return named
    if only not in named:
        raise BadBounds(f"--only {only}: expected one of {', '.join(named)}")
    return {only: named[only]}


def _bounds(given: dict[str, Any]) -> Bounds:
    losses = given.pop("losses", "any")
    if losses != "any":
        if not losses.isdecimal():
            raise BadBounds(f"--losses {losses}: expected a number or 'any'")
        given["losses"] = int(losses)
    return Bounds(**given)


def save_exploration(suite: SuiteReport, directory: Path, pages: bool = True) -> Path | None:
    found = suite.found
    if found is None or not found.recorder.records:
        return None
    from conformance.show.read import wrong_of

    path = directory / f"explore-{list(suite.runs)[-1]}.jsonl"
    wrong = wrong_of(found.finding) if pages else None
    return save_trace(path, found.recorder.records, found.nodes, wrong)
