"""`conformance prove`: its options, and where what it finds goes."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from conformance.cli.terminal import errors, output, refuse, warn

if TYPE_CHECKING:  # an audit does without z3, which proving needs
    from conformance.prove.runner.run import Report


class LevelName(StrEnum):
    quick = "quick"
    full = "full"
    deep = "deep"


def prove_command(
    level: Annotated[LevelName, typer.Option(help="How long the logs and messages are.")] = (
        LevelName.quick
    ),
    only: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Part of the names of proofs, or a pattern with *."),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Stop after this time: inconclusive.")
    ] = None,
    cache: Annotated[
        bool, typer.Option(help="Prove only what was not proved before of the same sources.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where a finding's trace goes.")
    ] = Path("findings"),
) -> None:
    """Prove by z3, for all terms and indices, what exploring shows within bounds.

    The code of the specification and of the library runs on symbolic integers, once for each path
    that some integers take.  Logs, messages and clusters have the sizes that each proof names.
    """
    from conformance.cli.report.prove import print_report
    from conformance.prove.catalogue import obligations
    from conformance.prove.runner import run as running
    from conformance.prove.runner.cache import FILE
    from conformance.prove.runner.run import progress_line

    out = output()
    err = errors()
    options = running.Options(
        level=level.value,
        only=only,
        workers=workers,
        seconds=seconds,
        cache=FILE if cache else None,
    )
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    quiet = as_json or not err.is_terminal
    try:
        with Bar(*columns, console=err, transient=True, disable=quiet) as bar:
            task = bar.add_task("proving")

            def progress(now: running.Progress) -> None:
                bar.update(
                    task,
                    description=escape(progress_line(now)),
                    total=now.planned,
                    completed=now.done,
                )

            report = running.run(options, obligations, progress)
    except running.SelectionError as error:
        refuse(str(error), as_json)
    except KeyboardInterrupt:
        err.print("[yellow]interrupted[/] before anything was proved")
        raise typer.Exit(3) from None
    traces = save_findings(report, out_dir)
    said = from_empty_cluster(report, err if not quiet else None)
    if as_json:
        written = {name: str(path) for name, path in traces.items()}
        print(json.dumps({**report.as_json(), "traces": written, "from_empty": said}, indent=2))
    else:
        print_report(out, report, traces)
        if said is not None:
            out.print(f"[bold]From an empty cluster[/]: {escape(said)}", soft_wrap=True)
    raise typer.Exit(report.exit_code)


def from_empty_cluster(report: Report, waiting: Console | None) -> str | None:
    """Whether a run leads to where a refuted step of the induction is wrong.

    A state that satisfies the lemmas may be one that no cluster comes to.
    """
    refuted = [one for one in report.proved if one.result.result == "refuted"]
    if not any(one.obligation.name.startswith("induction/") for one in refuted):
        return None
    from conformance.prove import reachable
    from spec import rules

    with nullcontext() if waiting is None else waiting.status("looking for a run"):
        return reachable.told(reachable.from_empty(rules.step))


def save_findings(report: Report, directory: Path) -> dict[str, Path]:
    """Where each counterexample was written, by the obligation."""
    from conformance.prove.step.counterexample import as_records
    from conformance.trace.save import save

    written: dict[str, Path] = {}
    for one, found in report.found:
        name = one.obligation.name
        path = directory / f"prove-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}.jsonl"
        node = found.turn.before.node
        try:
            save(path, as_records(found), max(node.id, *node.config.members, 0) + 1)
        except (OSError, ValueError) as error:
            warn(f"the trace was not written: {error}")
        else:
            written[name] = path
    return written
