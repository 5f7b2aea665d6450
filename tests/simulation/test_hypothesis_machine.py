"""Library and specification in lockstep, with events chosen by hypothesis.

It searches otherwise than the seeded simulator does, and shrinks otherwise.
"""

from __future__ import annotations

from collections import Counter
from types import ModuleType
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import raftbare
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.finding import Finding
from conformance.simulation.choices import step_of
from conformance.simulation.lockstep import Lockstep
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import patched_library
from spec import cluster as c
from spec import values as v

NUMBERS = st.integers(0, 99)
NODES = st.integers(0, 3)
THEN = st.sampled_from([12, 6, 3, 1, 0, -1])
SETS = st.frozensets(NODES, max_size=4)


class RaftMachine(RuleBasedStateMachine):
    """A cluster of four, of which two to four are voters at first."""

    copy: ClassVar[ModuleType] = raftbare

    def __init__(self) -> None:
        super().__init__()
        self.lockstep = Lockstep(4, LibrarySubject(self.copy))
        self.finding: Finding | None = None

    def take(self, step: c.Step) -> None:
        """A step, if it may happen now; nothing more once something is wrong."""
        if self.finding is None and step_of(self.lockstep.cluster, step) is not None:
            self.finding = self.lockstep.take(step)

    def member(self, node: int) -> c.Member:
        return self.lockstep.cluster.members[node]

    def leaders(self) -> list[int]:
        members = enumerate(self.lockstep.cluster.members)
        return [
            at for at, member in members if member.up and isinstance(member.node.role, v.Leader)
        ]

    @property
    def all_up(self) -> bool:
        """Nodes crash one at a time, so that the others have a quorum as a rule."""
        return all(member.up for member in self.lockstep.cluster.members)

    @property
    def under_way(self) -> int:
        return len(self.lockstep.cluster.network)

    def arrive(self, at: int, keep: int | None = None) -> None:
        to = self.lockstep.cluster.network[at].to
        self.take(c.Deliver(at, keep))
        self.take(c.Drain(to))

    def go_on(self, node: int, then: int) -> None:
        """After an input: nothing at all, or a drain and some of the deliveries that follow."""
        if then < 0:
            return
        self.take(c.Drain(node))
        for _ in range(then):
            network = self.lockstep.cluster.network
            arriving = [at for at, envelope in enumerate(network) if self.member(envelope.to).up]
            if not arriving or self.finding is not None:
                return
            self.arrive(arriving[0])

    @initialize(voters=st.integers(2, 4), then=THEN)
    def create(self, voters: int, then: int) -> None:
        self.voters = frozenset(range(voters))
        self.take(c.Input(0, v.CreateCluster(self.voters)))
        self.go_on(0, then)

    @rule(node=NODES, then=THEN)
    def timeout(self, node: int, then: int) -> None:
        self.take(c.Input(node, v.ElectionTimeout()))
        self.go_on(node, then)

    @rule(node=NODES)
    def create_again(self, node: int) -> None:
        """To be refused, but for a creator that crashed before its disk had anything."""
        if node == 0 or self.member(node).node.log.last_index > 0:
            self.take(c.Input(node, v.CreateCluster(self.voters)))

    @rule(node=NODES)
    def propose_to_anyone(self, node: int) -> None:
        self.take(c.Input(node, v.ProposeCommand()))

    @precondition(lambda self: self.leaders())
    @rule(number=NUMBERS, count=st.integers(1, 4), then=THEN)
    def propose(self, number: int, count: int, then: int) -> None:
        leader = self.leaders()[number % len(self.leaders())]
        for _ in range(count):
            self.take(c.Input(leader, v.ProposeCommand()))
        self.go_on(leader, then)

    @rule(node=NODES, then=THEN)
    def heartbeat(self, node: int, then: int) -> None:
        self.take(c.Input(node, v.Heartbeat()))
        self.go_on(node, then)

    @precondition(lambda self: self.leaders())
    @rule(number=NUMBERS, new_voters=SETS, non_voters=SETS, then=THEN)
    def change(
        self, number: int, new_voters: frozenset[int], non_voters: frozenset[int], then: int
    ) -> None:
        leader = self.leaders()[number % len(self.leaders())]
        voters = self.member(leader).node.config.voters
        config = v.Config(voters, new_voters, non_voters - new_voters - voters)
        self.take(c.Input(leader, v.ProposeConfig(config)))
        self.go_on(leader, then)

    @rule(node=NODES, voters=SETS, new_voters=SETS, non_voters=SETS)
    def change_anyhow(
        self,
        node: int,
        voters: frozenset[int],
        new_voters: frozenset[int],
        non_voters: frozenset[int],
    ) -> None:
        """The library has to refuse what the specification refuses."""
        self.take(c.Input(node, v.ProposeConfig(v.Config(voters, new_voters, non_voters))))

    @precondition(lambda self: self.under_way)
    @rule(number=NUMBERS)
    def deliver(self, number: int) -> None:
        self.take(c.Deliver(number % self.under_way))

    @precondition(lambda self: self.under_way)
    @rule(number=NUMBERS, keep=st.integers(0, 2))
    def shorten(self, number: int, keep: int) -> None:
        self.arrive(number % self.under_way, keep)

    @precondition(lambda self: self.under_way)
    @rule(number=NUMBERS)
    def lose(self, number: int) -> None:
        self.take(c.Lose(number % self.under_way))

    @precondition(lambda self: self.under_way)
    @rule(number=NUMBERS)
    def duplicate(self, number: int) -> None:
        self.take(c.Duplicate(number % self.under_way))

    @rule(node=NODES)
    def drain(self, node: int) -> None:
        self.take(c.Drain(node))

    @precondition(lambda self: self.all_up)
    @rule(node=NODES, after=st.integers(0, 5))
    def crash_within_drain(self, node: int, after: int) -> None:
        self.take(c.Input(node, v.ElectionTimeout()))
        self.take(c.Drain(node, crash_after=after))

    @precondition(lambda self: self.all_up)
    @rule(node=NODES)
    def crash(self, node: int) -> None:
        self.take(c.Crash(node))

    @precondition(lambda self: not self.all_up)
    @rule()
    def comeback(self) -> None:
        for node in range(4):
            self.take(c.Comeback(node))

    @rule(node=NODES, number=NUMBERS)
    def own_snapshot(self, node: int, number: int) -> None:
        self.take(c.Drain(node))
        known = self.member(node).node
        first = known.log.snapshot_position.index
        index = first + number % (known.commit_index - first + 1)
        position, config = known.log.position(index), known.log.config_at(index)
        self.take(c.Input(node, v.SnapshotInstalled(position, config)))

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.finding is None, self.finding

    def teardown(self) -> None:
        if self.finding is None:
            finding = self.lockstep.compare_logs()
            assert finding is None, finding


COMMON = {
    "LeaderElected",
    "LeaderDeposed",
    "ProposalsPipelined",
    "CrashedWithinDrain",
    "RestartedWithLog",
    "StaleRefusalIgnored",
}
"""What the machine must have reached, or it has shown nothing."""

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=60,
    derandomize=True,
    database=None,
)


def test_library_and_specification_agree() -> None:
    seen: Counter[str] = Counter()

    class Counting(RaftMachine):
        def teardown(self) -> None:
            super().teardown()
            seen.update(self.lockstep.witnesses)

    run_state_machine_as_test(Counting, settings=SETTINGS)
    assert seen.keys() >= COMMON


def test_the_machine_finds_a_library_that_is_broken() -> None:
    with patched_library(*IN_LIBRARY["D2"]) as broken:

        class Broken(RaftMachine):
            copy = broken

        unshrunk = settings(SETTINGS, phases=[Phase.generate], report_multiple_bugs=False)
        with pytest.raises(AssertionError, match="Difference"):
            run_state_machine_as_test(Broken, settings=unshrunk)
