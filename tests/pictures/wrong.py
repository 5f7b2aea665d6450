"""Runs in which something is done wrong: by what commands, as scenarios have them, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.mutants.planted.catalogue import by_name
from conformance.observe.recorded import Recorder
from conformance.show.model import Picture
from conformance.show.read import read_picture
from conformance.simulation.live import Live
from conformance.simulation.run import Run
from conformance.trace.save import save
from spec import cluster as c
from spec import values as v
from spec.cluster import Rule
from tests.scenarios.play import Block, Make, Player


@dataclass(frozen=True, slots=True)
class Bug:
    """`name`: of the decision that is taken back in the specification, or of a mutant.

    done      what happens; `comes`: what comes of it; `right`: what should have been done
    commands  those of a scenario; `messages`: what servers receive after them that nobody sent
    """

    name: str
    title: str
    done: str
    comes: str
    right: str
    commands: str
    messages: tuple[tuple[v.NodeId, v.Message], ...] = ()


class Careless(Player):
    """It plays on, whatever the properties say of a step."""

    def take(self, step: c.Step) -> None:
        assert c.is_enabled(self.cluster, step), step
        self.run.take(step)


def run_of(bug: Bug) -> Picture:
    """What happens, and what an audit says of it.  Raises LookupError for a name that is none."""
    for decision in DECISIONS:
        if decision.name == bug.name:
            return _played(bug, partial(_specified, as_in_crate(decision)))
    with by_name(bug.name).planted() as library:
        return _played(bug, partial(_live, library))


def _specified(rule: Rule, size: int, recorder: Recorder) -> Run:
    return Run(size, rule, recorder)


def _live(library: ModuleType, size: int, recorder: Recorder) -> Run:
    return Live(size, library, recorder)


def _played(bug: Bug, make: Make) -> Picture:
    player = Careless(make)
    player.perform(Block(commands=bug.commands.strip().splitlines()))
    for node, message in bug.messages:
        player.input(str(node), v.Receive(message))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        save(path, player.recorder.records, len(player.cluster.members))
        return read_picture([path])
