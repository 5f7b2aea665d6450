"""Two leaders in one term, as there could be until a leader's snapshot ended a candidacy.

Servers 0, 1 and 2 are voters, 3 is none.  In term 2 server 3 votes for 2, and 1 for 0, which leads.
It makes 3 a voter in the place of 1, and compacts its log.  Server 2 is brought that snapshot, and
with it a configuration in which the vote of 3, which is late, made a quorum.
"""

from __future__ import annotations

from conformance.mutants.planted.catalogue import by_name
from conformance.observe.finding import Finding, name_of
from conformance.simulation.live import Live
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import in_rules, patched_rule
from spec import values as v
from spec.cluster import Comeback, Crash, Deliver, Drain, Envelope, Input, Lose, Step

OLD, OBSERVER, NEW = frozenset({0, 1, 2}), frozenset({3}), frozenset({0, 2, 3})
IN_SPEC = in_rules(
    "    if isinstance(node.role, v.Candidate) and not log.contains(position):\n"
    "        node = node._replace(role=v.Follower())\n",
    "",
)


class Story:
    """Steps of a cluster, up to the first finding."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.late: list[Envelope] = []
        self.found: Finding | None = None

    @property
    def network(self) -> tuple[Envelope, ...]:
        return self.run.cluster.network

    def node(self, node: int) -> v.Node:
        return self.run.cluster.members[node].node

    def take(self, step: Step) -> None:
        if self.found is None:
            self.found = self.run.take(step)

    def input(self, node: int, event: v.Event) -> None:
        self.take(Input(node, event))
        self.take(Drain(node))

    def deliver(self, envelope: Envelope) -> None:
        self.take(Deliver(self.network.index(envelope)))
        self.take(Drain(envelope.to))

    def latest(self, to: int) -> Envelope:
        return [one for one in self.network if one.to == to][-1]

    def settle(self, unreached: int | None = None) -> None:
        """Deliver all but what is late, and what is sent to one that is not reached."""
        while others := [one for one in self.network if one not in self.late]:
            if others[0].to == unreached:
                self.take(Lose(self.network.index(others[0])))
            else:
                self.deliver(others[0])


def told(run: Run) -> Story:
    story = Story(run)
    for event in (
        v.CreateCluster(OLD),
        v.ProposeConfig(v.Config(OLD, frozenset(), OBSERVER)),
        v.Heartbeat(),
    ):
        story.input(0, event)
        story.settle()
    story.take(Crash(0))
    story.take(Comeback(0))

    story.input(2, v.ElectionTimeout())
    story.deliver(story.latest(to=3))
    story.late.append(story.latest(to=2))
    assert [type(one.content) for one in story.late] == [v.RequestVoteReply]
    for one in story.network:
        if one not in story.late:
            story.take(Lose(story.network.index(one)))

    change = v.ProposeConfig(v.Config(OLD, NEW))
    for later in (v.ElectionTimeout(), change, v.Heartbeat(), v.Heartbeat()):
        story.input(0, later)
        story.settle(unreached=2)
    leader = story.node(0)
    assert isinstance(leader.role, v.Leader)
    assert leader.config == v.Config(NEW)
    assert leader.commit_index == leader.log.last_index
    story.take(Input(0, v.SnapshotInstalled(leader.log.last_position, leader.config)))

    story.input(2, v.SnapshotInstalled(leader.log.last_position, leader.config))
    assert story.node(2).log == story.node(0).log
    story.deliver(story.late[0])
    return story


def test_late_votes_elect_nobody() -> None:
    for lockstep in (Live(4), Lockstep(4, LibrarySubject())):
        story = told(lockstep)
        assert story.found is None
        assert isinstance(story.node(0).role, v.Leader)
        assert isinstance(story.node(2).role, v.Follower)


def test_they_did_in_the_library_while_a_candidate_stayed_one() -> None:
    with by_name("candidacy-outlives-snapshot").planted() as library:
        story = told(Live(4, library))
    assert story.found is not None
    assert name_of(story.found) == "ElectionSafety"


def test_so_they_did_in_the_specification() -> None:
    story = told(Run(4, patched_rule(IN_SPEC)))
    assert story.found is not None
    assert name_of(story.found) == "ElectionSafety"
