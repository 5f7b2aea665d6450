"""`make bench`: measures both builds by turns, prints a table, draws docs/speed.svg.

A figure is the median over all rounds, with the range of its middle half.  A ratio is taken between
neighbours in time, of one round and process, and its median is what counts: machines are shared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "build" / "compiled"
PLOT = ROOT / "docs" / "speed.svg"
ROUNDS = 5

Round = dict[str, Any]


def measured(build: str) -> Round:
    path = str(COMPILED) if build == "compiled" else ""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.bench.measure"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    )
    made: Round = json.loads(done.stdout)
    if made["compiled"] is not (build == "compiled"):
        raise SystemExit(f"the {build} build is not what was measured")
    return made


def builds() -> tuple[str, ...]:
    return ("pure", "compiled") if any(COMPILED.glob("raftbare/*.so")) else ("pure",)


def figure(values: list[float]) -> str:
    """In thousands: the median, and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle / 1e3:,.0f} k ({low / 1e3:,.0f}-{high / 1e3:,.0f})"


def collected(rounds: list[Round], work: str, subject: str) -> list[float]:
    return [value for one in rounds for value in one["throughput"][work].get(subject, ())]


def ratio(rounds: list[Round], work: str, to: str) -> float | None:
    pairs = [
        ours / theirs
        for one in rounds
        for ours, theirs in zip(
            one["throughput"][work]["raftbare"], one["throughput"][work].get(to, ()), strict=False
        )
    ]
    return statistics.median(pairs) if pairs else None


OTHERS = {
    "floor": "the floor",
    "interface": "the interface",
    "flushed": "PySyncObj, flushed by hand",
    "pysyncobj": "PySyncObj, all tick",
    "consensual": "consensual",
}


def throughput_table(rounds: dict[str, list[Round]]) -> Table:
    table = Table(title="Committed commands a second, median (quartiles)", title_justify="left")
    for column in ("nodes, batch", *OTHERS.values()):
        table.add_column(column)
    for build in rounds:
        for column in (build, *[f"of {name}" for name in OTHERS.values()]):
            table.add_column(column, justify="right")
    for work in rounds["pure"][0]["throughput"]:
        others = [collected(rounds["pure"], work, name) for name in OTHERS]
        row = [work, *[figure(values) if values else "-" for values in others]]
        for found in rounds.values():
            row.append(figure(collected(found, work, "raftbare")))
            ratios = [ratio(found, work, name) for name in OTHERS]
            row += [f"{one:.2f}" if one else "-" for one in ratios]
        table.add_row(*row)
    return table


WHAT = {
    "log": "a round on three nodes, by entries in the log",
    "history": "a round on three nodes, by terms in the log",
    "lag": "a lagging follower's reply, by terms in the log",
    "lag commands": "a lagging follower's reply, by commands in each of 10 terms",
    "search": "the last entry in common found, by terms in conflict",
    "conflict": "a follower drops what conflicts, by terms in conflict",
    "broadcast": "a proposal broadcast, for each peer, by nodes",
    "reply": "a reply, by nodes",
}


def grown(rounds: list[Round], what: str) -> dict[int, float]:
    """Microseconds, at the median of the rounds."""
    return {
        int(n): 1e6 * statistics.median([one["growth"][what][n] for one in rounds])
        for n in rounds[0]["growth"][what]
    }


def growth_table(rounds: dict[str, list[Round]]) -> Table:
    table = Table(title="Microseconds of one operation, as something grows", title_justify="left")
    for column in ("what", "build", "by size"):
        table.add_column(column)
    for what, told in WHAT.items():
        for build, found in rounds.items():
            values = [f"{n:,}: {value:.1f}" for n, value in grown(found, what).items()]
            table.add_row(told, build, "   ".join(values))
    return table


def delay_table(rounds: dict[str, list[Round]]) -> Table:
    """Messages and entries are exact, and each build's; the CPU time of a peer is the pure run's.

    The last columns: the CPU time of each build by that of the row's subject, in the same round.
    """
    table = Table(title="Of a committed command, a millisecond apart", title_justify="left")
    for column in ("nodes, one way", "subject", "messages", "entries", "us of CPU"):
        table.add_column(column, justify="left" if column == "subject" else "right")
    for build in rounds:
        table.add_column(f"{build} by it", justify="right")
    for work, subjects in rounds["pure"][0]["delay"].items():
        rows = [(build, build, "raftbare") for build in rounds]
        rows += [(name, "pure", name) for name in subjects if name != "raftbare"]
        for label, build, name in rows:
            found = [one["delay"][work] for one in rounds[build]]
            messages, entries, _ = found[0][name]
            cpu = statistics.median([one[name][2] for one in found])
            row = [work, label, f"{messages:.2f}", f"{entries:.2f}", f"{cpu:,.0f}"]
            for all_of_it in rounds.values():
                of_it = [one["delay"][work] for one in all_of_it]
                ratio = statistics.median([one["raftbare"][2] / one[name][2] for one in of_it])
                row.append("" if name == "raftbare" else f"{ratio:.2f}")
            table.add_row(*row)
    return table


def draw(rounds: dict[str, list[Round]]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "raftbare"  # the same figures make the same file
    from matplotlib import pyplot

    frame, axes = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    bars, lines, sizes = axes
    works = list(rounds["pure"][0]["throughput"])
    subjects = {"consensual": ("pure", "consensual"), "PySyncObj": ("pure", "pysyncobj")}
    subjects |= {f"raftbare, {build}": (build, "raftbare") for build in rounds}
    subjects["floor, no logic"] = ("pure", "floor")
    width = 0.8 / len(subjects)
    for number, (label, (build, subject)) in enumerate(subjects.items()):
        values = [collected(rounds[build], work, subject) for work in works]
        middle = [statistics.median(value) if value else 0 for value in values]
        places = [place + number * width for place in range(len(works))]
        bars.bar(places, middle, width, label=label)
    bars.set(yscale="log", ylim=(1e3, 1e9), title="Committed commands a second")
    bars.set_xticks([place + 0.4 - width / 2 for place in range(len(works))], works)
    for build, found in rounds.items():
        for what, style in (("log", "-"), ("history", "--")):
            by = grown(found, what)
            label = f"{build}, by {'entries' if what == 'log' else 'terms'} in the log"
            lines.plot(list(by), list(by.values()), style, marker=".", label=label)
        for what, style in (("broadcast", "-"), ("reply", "--")):
            by = grown(found, what)
            label = f"{build}, {'broadcast, a peer' if what == 'broadcast' else 'reply'}"
            sizes.plot(list(by), list(by.values()), style, marker=".", label=label)
    lines.set(xscale="log", ylim=(0, None), title="Microseconds of a round, 3 nodes")
    sizes.set(xscale="log", ylim=(0, None), title="Microseconds, by nodes in the cluster")
    ticks = list(grown(rounds["pure"], "reply"))
    sizes.set_xticks(ticks, [str(size) for size in ticks])
    sizes.minorticks_off()
    for part in axes:
        part.legend(fontsize="small")
    PLOT.parent.mkdir(exist_ok=True)
    frame.savefig(PLOT, metadata={"Date": None, "Creator": None})


def main() -> None:
    console = Console(width=240)
    rounds: dict[str, list[Round]] = {build: [] for build in builds()}
    for turn in range(ROUNDS):
        for build, found in rounds.items():
            console.print(f"round {turn + 1} of {ROUNDS}, {build}")
            found.append(measured(build))
    if "compiled" not in rounds:
        console.print("There is no compiled build: no C compiler, or RAFTBARE_BUILD=pure.")
    console.print(throughput_table(rounds))
    console.print(growth_table(rounds))
    console.print(delay_table(rounds))
    for build, found in rounds.items():
        console.print(f"{build}: {found[0]['bytes']:.1f} bytes for each term in the log")
    draw(rounds)
    console.print(f"drawn: {PLOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
