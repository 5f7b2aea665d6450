"""`conformance prove`: its options, and where what it finds goes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from conformance.cli.options import (
    FINDINGS,
    Json,
    Out,
    Pages,
    Processes,
    Scheduler,
    Seconds,
    only_of,
)
from conformance.cli.terminal import conclude, others, page_beside, progress, refuse, save_trace

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.prove.runner.run import Report


def prove_command(
    level: Annotated[
        Literal["quick", "full", "deep"], typer.Option(help="How long the logs and messages are.")
    ] = "quick",
    only: Annotated[str | None, only_of("proofs")] = None,
    workers: Processes = 0,
    scheduler: Scheduler = None,
    seconds: Seconds = None,
    cache: Annotated[
        bool, typer.Option(help="Prove only what was not proved before of the same sources.")
    ] = True,
    as_json: Json = False,
    out_dir: Out = FINDINGS,
    pages: Pages = True,
) -> None:
    """Prove by z3, for all terms and indices, what exploring shows within bounds.

    The code of the specification and of the library runs on symbolic integers, once for each path
    that some integers take.  Logs, messages and clusters have the sizes that each proof names.
    """
    from conformance.cli.report.prove import print_proofs
    from conformance.cli.text import escape
    from conformance.observe.selection import SelectionError
    from conformance.prove.catalogue import obligations
    from conformance.prove.runner.cache import FILE
    from conformance.prove.runner.run import Interrupted, Options, progress_line, run

    options = Options(level, only, workers, seconds, FILE if cache else None)
    try:
        with others(1, scheduler, as_json) as them, progress("proving", as_json) as tell:
            report = run(
                options,
                obligations,
                lambda now: tell(progress_line(now), now.done, now.planned),
                them,
            )
    except SelectionError as error:
        refuse(str(error), as_json)
    except Interrupted as stopped:  # what was proved is told, and what was refuted written
        report = stopped.report
    traces = save_refutations(report, out_dir, pages)
    said = from_empty_cluster(report, as_json)

    def shown(console: Console) -> None:
        print_proofs(console, report, traces)
        if said is not None:
            console.print(f"[bold]From an empty cluster[/]: {escape(said)}", soft_wrap=True)

    written = {name: str(path) for name, path in traces.items()}
    beside = {name: page_beside(path) for name, path in traces.items()}
    conclude(report, as_json, shown, traces=written, pages=beside, from_empty=said)


def from_empty_cluster(report: Report, as_json: bool) -> str | None:
    """Whether a run leads to where a refuted step of the induction is wrong.

    A state that satisfies the lemmas may be one that no cluster comes to.
    """
    refuted = [one for one in report.proved if one.result.result == "refuted"]
    if not any(one.obligation.name.startswith("induction/") for one in refuted):
        return None
    from conformance.prove import reachable
    from spec import rules

    with progress("looking for a run", as_json):
        return reachable.told(reachable.from_empty(rules.step))


def save_refutations(report: Report, directory: Path, pages: bool = True) -> dict[str, Path]:
    """Where each counterexample was written, by the obligation."""
    from conformance.prove.step.counterexample import as_records
    from conformance.show.model import Wrong

    written: dict[str, Path] = {}
    for one, found in report.found:
        name = one.obligation.name
        path = directory / f"prove-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}.jsonl"
        node = found.turn.before.node
        nodes = max(node.id, *node.config.members, 0) + 1
        wrong = Wrong(
            name,
            "; ".join(found.wrong or (found.what,)),
            node.id,
            None,
            departure=name.startswith("equivalence/"),
            note="The trace has what the specification does with this event.",
        )
        if save_trace(path, as_records(found), nodes, wrong if pages else None) is not None:
            written[name] = path
    return written
