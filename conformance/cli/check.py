"""`conformance check`: its options, and where what it finds goes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from conformance.cli.ci.write import Formats
from conformance.cli.options import (
    FINDINGS,
    Json,
    Junit,
    Out,
    Pages,
    Processes,
    Sarif,
    Scheduler,
    Seed,
)
from conformance.cli.terminal import (
    conclude,
    others,
    page_beside,
    progress,
    refuse,
    save_trace,
    started,
)
from conformance.observe.verdicts import AuditLevel
from conformance.simulation import MAX_NODES

if TYPE_CHECKING:
    from conformance.simulation.check import Found, Options, Report
    from conformance.workers.pool import Workers


def check_command(
    events: Annotated[int, typer.Option(min=1, help="Inputs to nodes, in all.")] = 20_000,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Begin no further episode after this time.")
    ] = None,
    seed: Seed = 0,
    nodes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_NODES, help="The size of every cluster; else drawn, 1 to 7 as a rule."
        ),
    ] = None,
    episode: Annotated[int | None, typer.Option(min=0, help="Only this one.")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which situations the schedules came by.")
    ] = False,
    alone: Annotated[
        bool,
        typer.Option("--live", help="The library's nodes alone: the properties judge them."),
    ] = False,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Another program, which speaks the subject protocol, instead."
        ),
    ] = None,
    level: Annotated[
        AuditLevel | None,
        typer.Option(
            help="Of a subject: as specified, event by event, or by the properties alone; "
            "else safety."
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEATURE", help="Ask a subject nothing of that, as if it lacked it; or several."
        ),
    ] = None,
    answer_seconds: Annotated[
        float | None,
        typer.Option(min=0.1, help="How long a subject may take for an answer; else 30."),
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="After a finding look for those of another name.")
    ] = False,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="PROPERTY", help="Not judged; or several."),
    ] = None,
    no_fast_path: Annotated[
        bool,
        typer.Option(
            "--no-fast-path", help="Play all from the sources, whatever `make native` has made."
        ),
    ] = False,
    workers: Processes = 0,
    scheduler: Scheduler = None,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Feed random schedules to the specification and to the library, in lockstep.

    Outcome, actions and state are compared after every event and every property is checked.  What
    is found is shrunk until no step and no pair of steps can be left out, printed, and written to
    a trace.
    """
    from conformance.cli.report.check import progress_line
    from conformance.observe.checking import NAMES
    from conformance.simulation.check import LIVE, Options, check

    for name in ignored or ():
        if name not in NAMES:
            refuse(f"--ignore {name}; expected one of {', '.join(sorted(NAMES))}", as_json)
    options = Options(
        seed=seed,
        events=events,
        seconds=seconds,
        nodes=nodes,
        episode=episode,
        coverage=coverage,
        keep_going=keep_going,
        ignored=frozenset(ignored or ()),
        fast=not no_fast_path,
    )
    formats = Formats(junit, sarif)
    formats.expect(as_json)
    if subject is not None:
        if alone or coverage:
            refuse("--subject with --live or --coverage; expected one of them", as_json)
        left_out, saving = tuple(without or ()), Saving(out_dir, pages=pages, formats=formats)
        with others(workers, scheduler, as_json) as them:
            _check_subject(
                options, subject, level or "safety", left_out, answer_seconds, as_json, saving, them
            )
    if level is not None or without or answer_seconds is not None:
        refuse("--level, --without or --answer-seconds; expected --subject with it", as_json)
    if alone:
        options = replace(options, run=LIVE)
    with others(workers, scheduler, as_json) as them, progress("checking", as_json) as tell:
        report = check(options, lambda now: tell(progress_line(now), now.events, events), them)
    saving = Saving(out_dir, "live-" if alone else "", pages, formats=formats)
    _conclude(report, as_json, saving, " --live" if alone else "")


class Saving(NamedTuple):
    """Where the traces of findings go; `kind` begins their names.

    `implementation`: what was recorded, None is this library.  `formats`: what is written besides.
    """

    directory: Path
    kind: str = ""
    pages: bool = True
    implementation: str | None = None
    formats: Formats = Formats()


def _check_subject(
    options: Options,
    command: str,
    level: AuditLevel,
    without: tuple[str, ...],
    seconds: float | None,
    as_json: bool,
    saving: Saving,
    them: Workers | None,
) -> NoReturn:
    """The same of a program that speaks the subject protocol: a process of it for each worker."""
    from conformance.cli.report.check import progress_line
    from conformance.simulation.check import check
    from conformance.simulation.foreign.judging import CannotJudgeError, judging, not_judged
    from conformance.subjects.foreign.process import SubjectError
    from conformance.trace.model import FEATURES

    unknown = sorted(set(without) - set(FEATURES))
    if unknown:
        refuse(f"--without {unknown[0]}; expected one of {', '.join(FEATURES)}", as_json)
    with started(command, as_json, seconds) as host, progress("checking", as_json) as tell:
        try:
            chosen = judging(options, host, level, without)
            report = check(
                chosen, lambda now: tell(progress_line(now), now.events, options.events), them
            )
        except CannotJudgeError as error:
            refuse(str(error), as_json)
        except (OSError, SubjectError) as error:
            refuse(f"the subject does not start again: {error}", as_json, "inconclusive")
    report.not_judged = not_judged(host, level, without)
    left_out = "".join(f" --without {feature}" for feature in without)
    again = f" --subject {shlex.quote(command)} --level {level}{left_out}"
    saving = saving._replace(kind=f"subject-{level}-", implementation=host.hello.implementation)
    _conclude(report, as_json, saving, again)


def _conclude(report: Report, as_json: bool, saving: Saving, again: str) -> NoReturn:
    """`again`: options with which the same is found once more."""
    from conformance.cli.ci.items import of_check
    from conformance.cli.report.check import print_check

    trace = save_finding(report, saving)
    others = [_save(report, saving, found) for found in report.others]
    traces = [] if report.found is None else [trace, *others]
    saving.formats.write(of_check(report, traces), as_json)
    shown = partial(print_check, report=report, trace=trace, again=again, others=others)
    more: dict[str, Any] = {"trace": str(trace) if trace else None, "page": page_beside(trace)}
    if others:
        more["other_traces"] = [str(path) if path else None for path in others]
    conclude(report, as_json, shown, **more)


def save_finding(report: Report, saving: Saving) -> Path | None:
    return None if report.found is None else _save(report, saving, report.found)


def _save(report: Report, saving: Saving, found: Found) -> Path | None:
    return save_found(found, f"seed{report.options.seed}-episode{found.episode}", saving)


def save_found(found: Found, name: str, saving: Saving) -> Path | None:
    """Write the trace of a finding; None, and a warning, where that cannot be."""
    from conformance.show.read import wrong_of

    path = saving.directory / f"{saving.kind}{name}.jsonl"
    wrong = wrong_of(found.finding) if saving.pages else None
    return save_trace(path, found.recorder.records, found.nodes, wrong, saving.implementation)
