"""`conformance audit`: its options."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from conformance.cli.ci.write import Formats
from conformance.cli.options import FINDINGS, Json, Junit, Processes, Sarif, Scheduler
from conformance.cli.terminal import (
    STOPS,
    conclude,
    finish,
    others,
    progress,
    refuse,
    save_page,
    warn,
)
from conformance.observe.verdicts import AskedLevel, Format

if TYPE_CHECKING:
    from conformance.audit.follow import Follower, Told
    from conformance.audit.run import AuditReport


def audit_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            readable=False, help="Recordings of one cluster: files, folders of them, patterns."
        ),
    ],
    level: Annotated[
        AskedLevel | None,
        typer.Option(
            help="exact: as the specification says, event by event.  safety: whatever the "
            "implementation, nothing that Raft rules out.  both: at each, and whether they agree.  "
            "Default: exact for this library, else safety."
        ),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="The recordings end together and lack nothing, as when a cluster was stopped: "
            "then the safety level judges late replies as well, and what a restart commits.",
        ),
    ] = False,
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="What wrote the recordings; auto: what their first lines say.",
        ),
    ] = "auto",
    workers: Processes = 1,
    scheduler: Scheduler = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Judge what is in a folder, and what comes into it, at the exact level, and tell "
            "a line for each finding.  Ends by a signal (1, 2, 15), with the verdict so far.",
        ),
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.01, help="With --follow: seconds from one look to the next.")
    ] = 1.0,
    state: Annotated[
        Path | None,
        typer.Option(
            help="With --follow: a file in which it is kept how far the audit is, to go on from.",
        ),
    ] = None,
    no_fast_path: Annotated[
        bool,
        typer.Option(
            "--no-fast-path",
            help="Every record by the specification as it is written, which takes some times as "
            "long; else one of 64, and whatever the fast path does not find to conform.",
        ),
    ] = False,
    junit: Junit = None,
    sarif: Sarif = None,
    as_json: Json = False,
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the page of a violation goes.")
    ] = FINDINGS,
    pages: Annotated[
        bool, typer.Option("--page/--no-page", help="Show a violation as a web page.")
    ] = True,
) -> None:
    """Say whether a recording was Raft, and if not, where it first went wrong.

    A line has 16 MiB at most, a record and a file stand for 2^24 entries: see docs/limits.md.
    """
    from conformance.audit.both import BothReport, audit_both
    from conformance.audit.run import audit, found_size
    from conformance.cli.ci.items import of_audit, of_both
    from conformance.cli.report.audit import print_audit, print_both

    if follow:
        if len(files) != 1 or not os.path.isdir(files[0]):
            refuse("--follow takes one folder, which is there", as_json)
        if level in ("safety", "both") or complete:
            refuse("--follow judges at the exact level, and knows of no end", as_json)
        if junit is not None or sarif is not None:
            refuse(
                "--follow tells a line for each finding; expected no --junit, no --sarif", as_json
            )
        _follow(files[0], state, every, as_json)
    if state is not None:
        refuse("--state is for --follow", as_json)
    if level == "both":
        for file in files:
            if os.path.exists(file) and not (os.path.isfile(file) or os.path.isdir(file)):
                refuse(f"{file}: cannot be read twice; expected a regular file", as_json)
    formats = Formats(junit, sarif)
    formats.expect(as_json)
    total = found_size(files) * (2 if level == "both" else 1) or None
    with (
        others(workers, scheduler, as_json) as elsewhere,
        progress("auditing", as_json) as tell,
    ):

        def told(done: int) -> None:
            tell("auditing", done, total)

        report: AuditReport | BothReport
        fast = not no_fast_path
        if level == "both":
            report = audit_both(files, told, complete, form, elsewhere, fast)
        else:
            report = audit(files, level, told, complete, form, elsewhere, fast)
    if isinstance(report, BothReport):
        wrong = report.exact if report.exact.problems else report.safety
        shown, judged = partial(print_both, report=report), of_both(report)
    else:
        wrong, shown, judged = report, partial(print_audit, report=report), of_audit(report)
    page = save_violation(wrong, files[0], out_dir) if pages else None
    formats.write(judged, as_json)
    conclude(report, as_json, partial(shown, page=page), page=page)


MOST_SHOWN: Final = 100_000
"""Events beyond which there is no page: an audit is in bounded memory, a page is not."""


def save_violation(report: AuditReport, first: Path, directory: Path) -> str | None:
    """The page of recordings in which something is wrong, named like the first that was given."""
    if not report.problems or report.events > MOST_SHOWN:
        return None
    from conformance.show.read import read_picture

    name = first.name.partition(".")[0] or "audit"
    files = [Path(file.path) for file in report.files]  # those in a folder, too
    return save_page(directory / name, lambda: read_picture(files, report))


def _follow(folder: Path, state: Path | None, every: float, as_json: bool) -> NoReturn:
    from conformance.audit.follow import Follower
    from conformance.audit.progress import load
    from conformance.cli.report.audit import print_told
    from conformance.trace.errors import BadTrace

    known = state is not None and os.path.exists(state)
    if state is not None and known and not os.path.isfile(state):
        refuse(f"{state}: is no regular file; expected one for the state", as_json)
    stop = threading.Event()
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda *_: stop.set())
    try:
        follower = load(folder, state) if state is not None and known else Follower(folder)
    except BadTrace as error:
        refuse(str(error), as_json)

    def tell(told: Told) -> None:
        if as_json:
            print(json.dumps(told.as_json()), flush=True)
        else:
            print_told(told)

    follow_until(follower, state, tell, lambda: stop.wait(every))
    tell(follower.conclusion())
    finish(follower.verdict)


def follow_until(
    follower: Follower, state: Path | None, tell: Callable[[Told], None], wait: Callable[[], bool]
) -> None:
    """Look again and again, until `wait` says that this is over; the last look comes after it."""
    from conformance.audit.progress import save

    over, events = False, -1
    while True:
        for told in follower.poll():
            tell(told)
        if state is not None and follower.totals.events != events:
            events = follower.totals.events
            try:
                save(follower, state)
            except (OSError, ValueError) as error:
                warn(f"{state} was not written: {error}")
        if over:
            return
        over = wait()
