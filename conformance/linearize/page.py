"""Findings as a page: one file of HTML without scripts, that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.linearize.check import Report, Violation
from conformance.linearize.models import MODELS, Cell, Operation, State
from conformance.observe.templates import templates

MOST_SHOWN: Final = 80
"""So many operations are drawn, and the core: those closest to where the order breaks."""
MOST_PAGED: Final = 50
"""So many findings are drawn; of the rest the page says how many there are."""

EVENT: Final = 46
"""Pixels from one event to the next."""
ROW: Final = 30
MARGIN: Final = 90
CHARACTER: Final = 6
"""Pixels that one takes, about."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An operation in a timeline, in pixels."""

    x: int
    y: int
    width: int
    label: str
    told: str
    kind: str
    rank: int | None
    """Its place in the order that explains what happened before the break."""


@dataclass(frozen=True, slots=True)
class Row:
    y: int
    process: str


@dataclass(frozen=True, slots=True)
class Short:
    """The operation whose return broke the order, and what a single copy would have held then.

    `before`: of the part that has no order, what had returned before it was called.
    """

    broken: Operation
    held: str
    before: list[Operation]


@dataclass(frozen=True, slots=True)
class Timeline:
    """One key on which no order explains what clients saw."""

    violation: Violation
    title: str
    rows: list[Row]
    bars: list[Bar]
    width: int
    height: int
    breaks_x: int
    left_out: int
    short: Short


def page(report: Report) -> str:
    """The page as text.  Everything that comes from a history is escaped."""
    environment = templates(Path(__file__).parent)
    environment.filters["printable"] = printable
    violations = [(one, MODELS[file.model]) for file in report.files for one in file.violations]
    return environment.get_template("page.html.jinja").render(
        report=report,
        timelines=[timeline(*found) for found in violations[:MOST_PAGED]],
        left_out=max(0, len(violations) - MOST_PAGED),
        margin=MARGIN,
    )


def timeline(violation: Violation, model: Cell) -> Timeline:
    """Where each operation is drawn: a row for each process, a column for each event."""
    why = violation.explanation
    shown = _shown(violation)
    times = {one.called for one in shown} | {one.returned for one in shown if one.returned}
    columns = {time: column for column, time in enumerate(sorted(times))}
    end = MARGIN + EVENT * (len(columns) + 1)
    processes = {one.process: row for row, one in enumerate(_by_process(shown))}
    ranks = {one.called: rank for rank, one in enumerate(why.order, start=1)}
    core = {one.called for one in why.core}
    bars = []
    for one in shown:
        x = MARGIN + EVENT * columns[one.called]
        till = end if one.returned is None else MARGIN + EVENT * columns[one.returned]
        kind = "core" if one.called in core else "unknown" if one.returned is None else "other"
        room = (till - x - 4) // CHARACTER
        told = printable(str(one.call))
        label = told.replace(" -> ", "→")
        if len(label) > room:
            label = label[: room - 1] + "…"
        told = f"process {printable(one.process)}: {told}"
        row = ROW * processes[one.process]
        bars.append(Bar(x, row, till - x, label, told, kind, ranks.get(one.called)))
    key = "" if violation.key is None else f", key {violation.key}"
    return Timeline(
        violation,
        f"{violation.path}{key}",
        [Row(ROW * row, process) for process, row in processes.items()],
        bars,
        end + MARGIN,
        ROW * len(processes),
        MARGIN + EVENT * columns.get(why.breaks_at, len(columns)),
        len(violation.operations) - len(shown),
        in_short(violation, model),
    )


def in_short(violation: Violation, model: Cell) -> Short:
    why = violation.explanation
    (broken,) = (one for one in violation.operations if one.returned == why.breaks_at)
    held: State = model.initial
    for one in why.order:
        if one.called == broken.called:
            break
        held = model.step(held, one.call)
    before = [one for one in why.core if one.returned and one.returned < broken.called]
    return Short(broken, str(held), before)


def _shown(violation: Violation) -> list[Operation]:
    """The core, and of the others those called last before the break, and at it."""
    why = violation.explanation
    core = {one.called for one in why.core}
    before = [one for one in violation.operations if one.called <= why.breaks_at]
    others = [one for one in before if one.called not in core][-MOST_SHOWN:]
    chosen = core | {one.called for one in others}
    return [one for one in before if one.called in chosen]


def _by_process(operations: Sequence[Operation]) -> list[Operation]:
    """One operation of each process: numbers in their order."""
    first = {one.process: one for one in operations}
    return [first[name] for name in sorted(first, key=lambda name: (len(name), name))]


def printable(text: str) -> str:
    """The same to read, with characters that are not shown written as Python writes them."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
