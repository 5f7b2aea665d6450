"""Once all faults are over a cluster converges; a rule that leaves it stuck is found by that alone.

The bugs are in specification and library alike, and break no property of states and steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from conformance.audit.run import audit
from conformance.observe.finding import Finding, describe, name_of
from conformance.observe.recorded import Recorder
from conformance.simulation.check import Options, check, live, specified
from conformance.simulation.choices import take_all
from conformance.simulation.episode import play
from conformance.simulation.healing import CONVERGENCE, ROUNDS, heal, healed, lacking
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, in_rules, patched_library, patched_rule
from conformance.trace.save import save
from spec.cluster import Input, Step
from spec.values import (
    ZERO,
    Config,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Follower,
    Leader,
    Node,
    ProposeCommand,
    StepDown,
    new_log,
)

EVENTS = 40_000


@dataclass(frozen=True)
class Stuck:
    """A bug with which a cluster never converges, and a word of what that looks like."""

    in_spec: Callable[[], Patch]
    in_library: Patch
    lacks: str


STUCK = {
    "a snapshot is sent only once": Stuck(
        lambda: in_rules("asked=node.seqno + limits.ask_again)", "asked=1 << 60)"),
        Patch("rules", "MessageSeqNo(self._seqno + limits.ask_again)", "MessageSeqNo(1 << 60)"),
        "for behind",
    ),
    "a probe is never resumed": Stuck(
        lambda: in_rules(
            "    if progress.probing and reply.last_position.index < progress.match:\n",
            "    if progress.probing:\n",
        ),
        Patch(
            "rules",
            "        if follower.probing and reply.last_position.index < follower.match_index:\n",
            "        if follower.probing:\n",
        ),
        "for behind",
    ),
    "a heartbeat does not tell what is committed": Stuck(
        lambda: in_rules(
            "    node = node._replace(commit_index=max(node.commit_index, "
            "min(call.commit_index, verified)))\n",
            "    if entries:\n"
            "        node = node._replace(commit_index=max(node.commit_index, "
            "min(call.commit_index, verified)))\n",
        ),
        Patch(
            "rules",
            "        if commit_index > self._commit_index:\n",
            "        if commit_index > self._commit_index and source.last_position.index "
            "> source.prev_position.index:\n",
        ),
        "to be committed",
    ),
    "who left may not campaign": Stuck(
        lambda: in_rules(
            "        if index <= node.commit_index:\n            return False\n"
            "        config, index = node.log.latest_config(index - 1)\n",
            "        return False\n",
        ),
        Patch(
            "rules",
            "            if index <= self._commit_index:\n                return False\n",
            "            return False\n",
        ),
        "0 servers lead",
    ),
    "a handover is not ended": Stuck(
        lambda: in_rules(
            "node._replace(role=replace(node.role, transfer=None)), outcome=True)",
            "node, outcome=True)",
        ),
        Patch("node", "        role.transfer = None\n", "        pass\n"),
        "hands over",
    ),
}


@pytest.mark.parametrize("name", STUCK)
def test_what_leaves_a_cluster_stuck_is_found_in_either(name: str) -> None:
    bug = STUCK[name]
    rule = patched_rule(bug.in_spec())
    found = check(Options(events=EVENTS, shrink_seconds=0, run=specified(rule))).found
    with patched_library(bug.in_library) as copy:
        alone = check(Options(events=EVENTS, shrink_seconds=0, run=live(copy))).found
    for one in (found, alone):
        assert one is not None
        assert name_of(one.finding) == CONVERGENCE
        assert bug.lacks in describe(one.finding)


def test_a_bug_that_specification_and_library_share_is_found_in_lockstep() -> None:
    bug = STUCK["a snapshot is sent only once"]
    rule = patched_rule(bug.in_spec())

    def alike(size: int, recorder: Recorder | None = None, _: int = 0) -> Run:
        return Lockstep(size, LibrarySubject(copy), rule, recorder)

    with patched_library(bug.in_library) as copy:
        found = check(Options(events=EVENTS, shrink_seconds=0, run=alike)).found
    assert found is not None
    assert name_of(found.finding) == CONVERGENCE


def test_nothing_but_convergence_finds_them() -> None:
    for bug in STUCK.values():
        rule = patched_rule(bug.in_spec())
        for episode in range(20):
            schedule = Schedule(0, episode)
            schedule.heals = False
            run = Run(schedule.profile.nodes, rule)
            assert all(finding is None for _, _, finding in play(schedule, run))


def test_a_finding_is_shrunk_and_its_trace_shows_it(tmp_path: Path) -> None:
    """The steps that heal are no part of the schedule, and are recorded after it."""
    rule = patched_rule(STUCK["a probe is never resumed"].in_spec())
    found = check(Options(events=EVENTS, run=specified(rule), shrink_seconds=20)).found
    assert found is not None
    assert len(found.choices) < 20
    assert len(found.recorder.records) > found.nodes + len(found.choices)
    again = Run(found.nodes, rule)
    again.heals = True
    assert take_all(again, found.choices) == (found.finding, found.choices)
    path = tmp_path / "stuck.jsonl"
    save(path, found.recorder.records, found.nodes)
    assert audit([path], "exact").verdict == "violation"


def episodes(count: int) -> Iterator[Run]:
    """Clusters at the end of schedules with all faults, which have not healed yet."""
    for episode in range(count):
        schedule = Schedule(9, episode)
        run = Run(schedule.profile.nodes)
        for _ in islice(play(schedule, run), schedule.profile.length):
            pass
        yield run


def test_every_cluster_converges_and_then_stays_so() -> None:
    unfinished = 0
    for run in episodes(40):
        unfinished += bool(run.cluster.network) or lacking(run.cluster) is not None
        assert healed(run) is None
        assert lacking(run.cluster) is None
        leaders = [one.node for one in run.cluster.members if isinstance(one.node.role, Leader)]
        assert len(leaders) == 1
        assert healed(run) is None
        again = [one.node for one in run.cluster.members if isinstance(one.node.role, Leader)]
        assert [node.id for node in again] == [node.id for node in leaders]
    assert unfinished > 30


def test_healing_follows_from_the_state_alone() -> None:
    for run in episodes(5):
        other = Run(len(run.cluster.members))
        other.cluster = run.cluster
        assert list(heal(run)) == list(heal(other))


def taken(*steps: Step, size: int = 2) -> Run:
    run = Run(size)
    for step in steps:
        run.take(step)
    return run


def test_a_cluster_that_nobody_created_has_nothing_to_converge_to() -> None:
    run = taken()
    assert healed(run) is None
    assert lacking(run.cluster) is None


def test_a_cluster_whose_members_are_not_all_there_need_not() -> None:
    run = taken(Input(0, CreateCluster(frozenset({0, 2, 3}))))
    assert healed(run) is None
    assert not any(isinstance(one.node.role, Leader) for one in run.cluster.members)


def found_lacking(change: Callable[[Node], Node]) -> str:
    run = taken(Input(0, CreateCluster(frozenset({0, 1}))))
    assert healed(run) is None
    leader, follower = run.cluster.members
    changed = follower._replace(node=change(follower.node))
    finding: Finding | None = lacking(run.cluster._replace(members=(leader, changed)))
    assert finding is not None
    assert f"after {ROUNDS} rounds" in describe(finding)
    return describe(finding)


def test_what_is_lacking_is_said() -> None:
    first = new_log(ZERO, Config(), (Entry(0, Config(frozenset({0, 1}))),))
    assert "follows None in term 1" in found_lacking(lambda one: one._replace(role=Follower()))
    assert "follows 0 in term 7" in found_lacking(lambda one: one._replace(current_term=7))
    assert "its log ends at" in found_lacking(lambda one: one._replace(log=first))
    assert "knows 1 entries" in found_lacking(lambda one: one._replace(commit_index=1))


def test_an_election_may_have_to_learn_of_later_terms_first() -> None:
    """The one that has all of the log is terms behind: its first campaign is in vain."""
    run = taken(Input(0, CreateCluster(frozenset({0, 1}))))
    assert healed(run) is None
    run.take(Input(0, ProposeCommand()))
    for _ in range(5):
        run.take(Input(1, ElectionTimeout()))
    run.take(Input(0, StepDown()))
    assert healed(run) is None
    assert [term for term, _ in run.cluster.history.leaders] == [1, 7]
