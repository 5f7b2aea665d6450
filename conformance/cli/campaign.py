"""`conformance campaign`: its options, and where what it finds goes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.cli.check import Saving, save_found
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
from conformance.cli.terminal import conclude, others, progress, refuse, write_page
from conformance.observe.verdicts import AuditLevel
from conformance.simulation import MAX_NODES

if TYPE_CHECKING:
    from conformance.campaign.case import Kind
    from conformance.campaign.run import Report
    from conformance.campaign.work import Foreign


def campaign_command(
    tasks: Annotated[
        int, typer.Option(min=1, help="How many, each of eight cases: about a second in lockstep.")
    ] = 100,
    seed: Seed = 0,
    nodes: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_NODES, help="The size of every cluster in lockstep."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Only cases of this kind, lockstep, network, explore or mutants; or of several.  "
            "Else of the first two.",
        ),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Note there what came of each task, go on from there, and begin with what "
            "reached something in other campaigns.",
        ),
    ] = None,
    per_round: Annotated[
        int,
        typer.Option(
            "--round",
            min=1,
            help="So many tasks are drawn from the same knowledge; three for each worker at least "
            "keep all busy.",
        ),
    ] = 16,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after this time: inconclusive.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Another program, which speaks the subject protocol, instead."
        ),
    ] = None,
    level: Annotated[
        AuditLevel | None, typer.Option(help="Of a subject, as for check; else safety.")
    ] = None,
    workers: Processes = 0,
    scheduler: Scheduler = None,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Search on, on as many machines as there are: random runs, steered by what is still rare.

    Runs in lockstep and of a cluster in virtual time, slices of explorations, and hunts for planted
    bugs, each from the seed and its number.  What is found is told apart, and shrunk.  The report
    is the same on any number of workers.
    """
    from conformance.campaign.case import KINDS, USUAL
    from conformance.campaign.corpus import BadCorpus
    from conformance.campaign.run import Options, campaign
    from conformance.campaign.work import Plan
    from conformance.cli.ci.items import of_campaign
    from conformance.cli.report.campaign import LiveTable, print_campaign, progress_line

    if level is not None and subject is None:
        refuse("--level; expected --subject with it", as_json)
    unknown = sorted(set(only or ()) - set(KINDS))
    if unknown:
        refuse(f"--only {unknown[0]}; expected one of {', '.join(KINDS)}", as_json)
    usual = USUAL if subject is None else ("lockstep",)
    kinds = tuple(kind for kind in KINDS if kind in (only or usual))
    if subject is not None and kinds != ("lockstep",):
        refuse(f"--subject with --only {kinds[-1]}; expected lockstep", as_json)
    _need(kinds)
    formats = Formats(junit, sarif)
    formats.expect(as_json)
    foreign = None if subject is None else _foreign(subject, level or "safety", as_json)
    plan = Plan(seed, nodes, foreign=foreign)
    options = Options(plan, tasks, per_round, kinds, corpus, minutes)
    table = LiveTable()
    with (
        others(workers, scheduler, as_json) as them,
        progress("campaign", as_json, lines=True, shown=table) as tell,
    ):

        def told(now: Report) -> None:
            table.report = now
            tell(progress_line(now), now.tasks, tasks)

        try:
            report = campaign(options, told, them)
        except BadCorpus as error:
            refuse(str(error), as_json)
        except OSError as error:
            if corpus is None:
                raise
            refuse(f"the corpus {corpus}: {error}", as_json)
    traces = _save(report, out_dir, pages)
    page = _save_page(report, traces, out_dir) if pages else None
    formats.write(of_campaign(report, traces), as_json)
    shown = partial(print_campaign, report=report, traces=traces, page=page)
    written = [None if path is None else str(path) for path in traces]
    conclude(report, as_json, shown, traces=written, page=page)


def _need(kinds: tuple[Kind, ...]) -> None:
    """That something is not installed is told here, and not by each worker."""
    if "explore" in kinds:
        import conformance.campaign.slices
    if "mutants" in kinds:
        import conformance.campaign.hunts  # noqa: F401


def _foreign(command: str, level: AuditLevel, as_json: bool) -> Foreign:
    """The subject, of which it is known that it starts."""
    from conformance.campaign.work import Foreign, Plan, options_of
    from conformance.simulation.foreign.judging import CannotJudgeError
    from conformance.subjects.foreign.process import ANSWER_SECONDS, SubjectError

    foreign = Foreign(command, level, ANSWER_SECONDS)
    try:
        with options_of(Plan(foreign=foreign)):
            return foreign
    except CannotJudgeError as error:
        refuse(str(error), as_json)
    except (OSError, ValueError, SubjectError) as error:
        refuse(f"the subject {command!r} does not start: {error}", as_json)


def _save(report: Report, directory: Path, pages: bool) -> list[Path | None]:
    """Where the trace of each finding is; None where there is none."""
    plan = report.options.plan
    made_by = None if plan.foreign is None else f"subject {plan.foreign.command}"
    saving = Saving(directory, f"campaign-seed{plan.seed}-", pages, made_by)
    return [
        None if one.shortest is None else save_found(one.shortest, f"case{one.found.case}", saving)
        for one in report.findings
    ]


def _save_page(report: Report, traces: list[Path | None], directory: Path) -> str | None:
    from conformance.campaign.page import page

    path = directory / f"campaign-seed{report.options.plan.seed}.html"
    return write_page(path, lambda: [page(report, traces)])
