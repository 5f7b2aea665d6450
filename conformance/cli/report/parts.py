"""What several reports are made of: tables, events, differences, and how to see a finding again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from conformance.cli.terminal import page_beside
from conformance.cli.text import escape
from conformance.observe.finding import Difference
from conformance.observe.recorded import Recorded
from conformance.observe.show import parts_of, show
from spec.cluster import Member

STYLES: Final = {
    "conforms": "green",
    "violation": "red",
    "bad_input": "red",
    "inconclusive": "yellow",
}


def columns(*names: str, right: Iterable[str] = ()) -> Table:
    """A table without lines; those named in `right` are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold", justify="right" if name in right else "left")
    return table


def print_events(console: Console, records: Iterable[Recorded]) -> None:
    """The events of a schedule, and the actions that came of each."""
    table = columns("node", "seq", "event", "role", "actions executed")
    for record in records:
        role = f"{record.state.role} t{record.state.current_term} c{record.state.commit_index}"
        actions = "(not drained)" if record.actions is None else show(record.actions)
        table.add_row(
            str(record.node), str(record.seq), escape(show(record.event)), role, escape(actions)
        )
    console.print(table)


def print_difference(console: Console, found: Difference) -> None:
    """What the specification says and what the subject did, side by side.

    The rows that differ are red, and marked where there is no colour.
    """
    event = "the drain" if found.event is None else show(found.event)
    console.print(f"\n[bold]First difference[/]: node {found.node}, {escape(event)}: {found.what}")
    table = Table(header_style="bold")
    table.add_column("specified", overflow="fold", ratio=1)
    table.add_column("found", overflow="fold", ratio=1)
    left, right = show(found.specified).split("\n"), show(found.found).split("\n")
    if len(left) == len(right) == 1 and hasattr(found.specified, "_fields"):
        names = [n for n in getattr(found.specified, "_fields", ()) if n != "leader_given"]
        left = [f"{name} {show(getattr(found.specified, name))}" for name in names]
        right = [f"{name} {show(getattr(found.found, name))}" for name in names]
    marked = console.color_system is None or console.no_color
    if marked:
        table.add_column("", no_wrap=True)
    for one, other in zip_longest(left, right, fillvalue=""):
        differs = one != other
        cells = [escape(one), escape(other)]
        if marked:
            cells.append("differs" if differs else "")
        table.add_row(*cells, style="bold red" if differs else "")
    console.print(table)


def print_states(console: Console, what: str, before: Member, after: Member) -> None:
    """A server before something happened and after it; what has changed is bold, and marked."""
    console.print(f"\n[bold]Node {after.node.id} before and after[/] {what}, as specified:")
    table = columns("", "before", "after", "")
    old, new = parts_of(before), parts_of(after)
    for name in {**old, **new}:
        one, other = old.get(name, ""), new.get(name, "")
        changed = one != other
        cells = name, escape(one), escape(other), "changed" if changed else ""
        table.add_row(*cells, style="bold" if changed else "")
    console.print(table)


def print_page(console: Console, page: str | None) -> None:
    """Where one can look at a finding."""
    if page is not None:
        console.print(f"The page: {escape(page)}", soft_wrap=True)


def print_trace(console: Console, trace: Path) -> None:
    """Where a finding was written, and its page."""
    console.print(f"The trace: {escape(str(trace))}", soft_wrap=True)
    print_page(console, page_beside(trace))


def print_again(console: Console, trace: Path | None, command: str) -> None:
    """Where a finding was written, and its page, and the command that finds it again."""
    if trace is not None:
        print_trace(console, trace)
    console.print(f"Reproduce: conformance {escape(command)}", soft_wrap=True)
