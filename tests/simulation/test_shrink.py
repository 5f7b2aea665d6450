"""Schedules made short: what goes, what is made smaller, and that the same stays wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from conformance.mutants.planted.catalogue import by_name
from conformance.observe.finding import Finding, name_of
from conformance.observe.observed import Observed
from conformance.simulation.check import Options, against, against_library, check
from conformance.simulation.choices import Choice, Compact, Pick, choice_of, step_of, take_all
from conformance.simulation.compiled import NewRun
from conformance.simulation.episode import changes, play
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.simulation.shrink import shrink
from conformance.simulation.simpler import node_of, otherwise, renamed, simpler, weight
from conformance.subjects.subject import SpecSubject
from spec import values as v
from spec.cluster import (
    Cluster,
    Comeback,
    Deliver,
    Drain,
    Input,
    Lose,
    Step,
    apply,
    new_cluster,
)
from spec.values import NodeId

Wrong = Callable[[v.Node], bool]


class Finicky(SpecSubject):
    """The specification, but for the state of a node that is in a certain way."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__()
        self.wrong = wrong

    def observe(self, node: NodeId) -> Observed:
        seen = super().observe(node)
        return seen._replace(commit_index=-1) if self.wrong(self.members[node].node) else seen


def in_term(term: int) -> Wrong:
    return lambda node: node.current_term >= term


def leads(node: v.Node) -> bool:
    return isinstance(node.role, v.Leader)


def compacted(node: v.Node) -> bool:
    return node.log.snapshot_position.index > 0


def replaced(node: v.Node) -> bool:
    """A follower that has committed what another node proposed."""
    return isinstance(node.role, v.Follower) and node.commit_index >= 3


def found_in(run: NewRun, episode: int, nodes: int) -> tuple[list[Choice], Finding]:
    """In this episode, or the first one after it."""
    for later in count(episode):
        choices = []
        schedule = Schedule(0, later, nodes)
        # Disks from before would have to be kept, and so would another founder; and a message of
        # a far later term takes the place of elections.
        if schedule.origin.disks or schedule.founder != 0 or schedule.profile.jump:
            continue
        for before, step, finding in play(schedule, run(nodes)):
            choices.append(choice_of(before, step))
            if finding is not None:
                return choices, finding
    raise AssertionError("there is always another episode")


CREATE = Input(0, v.CreateCluster(frozenset({0})))


@pytest.mark.parametrize(
    ("wrong", "shortest"),
    [
        (in_term(1), [CREATE]),
        (in_term(4), [CREATE, *[Input(0, v.ElectionTimeout())] * 3]),
        (leads, [CREATE, Drain(0)]),
        (compacted, [CREATE, Drain(0), Compact(0, 1)]),
    ],
    ids=["first term", "terms", "leader", "snapshot"],
)
@pytest.mark.parametrize("episode", [5, 30])
def test_nothing_is_left_that_is_not_needed(
    wrong: Wrong, shortest: list[Choice], episode: int
) -> None:
    """Of five nodes one is left, of its snapshot one entry, of six elections those it takes."""
    run = against(lambda: Finicky(wrong))
    choices, finding = found_in(run, episode, 5)
    assert shrink(choices, finding, 5, run, 60.0)[::2] == (shortest, 1)


def test_what_takes_two_nodes_keeps_two() -> None:
    """A follower commits three entries: with fewer messages it cannot."""
    run = against(lambda: Finicky(replaced))
    choices, finding = found_in(run, 0, 5)
    shortest, _, size = shrink(choices, finding, 5, run, 60.0)
    assert size == 2
    assert len(shortest) <= 17
    kinds = [choice.kind for choice in shortest if isinstance(choice, Pick)]
    assert all(choice.then is Deliver for choice in shortest if isinstance(choice, Pick))
    assert len(kinds) <= 8


@pytest.mark.parametrize(
    ("name", "steps", "nodes"),
    [
        ("non-voter-campaigns", 19, 3),
        ("config-at-commit", 6, 2),
        ("later-vote-call-dropped", 14, 2),
    ],
)
def test_a_planted_bug_is_shown_in_few_steps(name: str, steps: int, nodes: int) -> None:
    with by_name(name).planted() as broken:
        found = check(Options(seed=1, run=against_library(broken), shrink_seconds=60.0)).found
    assert found is not None
    assert len(found.choices) <= steps
    assert found.nodes <= nodes
    assert found.nodes <= found.nodes_before


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.2])
def test_what_is_cut_short_shows_the_same_and_is_no_worse(seconds: float) -> None:
    run = against(lambda: Finicky(replaced))
    choices, finding = found_in(run, 3, 5)
    shorter, now, size = shrink(choices, finding, 5, run, seconds)
    assert len(shorter) <= len(choices)
    assert size <= 5
    shown, taken = take_all(run(size), shorter)
    assert shown == now
    assert taken == shorter
    assert name_of(now) == name_of(finding)


def test_the_same_schedule_is_made_the_same_one() -> None:
    run = against(lambda: Finicky(in_term(3)))
    choices, finding = found_in(run, 5, 4)
    assert shrink(choices, finding, 4, run, 60.0) == shrink(choices, finding, 4, run, 60.0)


def test_a_schedule_goes_no_further_than_its_finding() -> None:
    run = against(lambda: Finicky(leads))
    choices, finding = found_in(run, 0, 3)
    more = [*choices, Input(0, v.Heartbeat()), Drain(0)]
    assert take_all(run(3), more) == (finding, choices)


# What a choice is in another state


def elected() -> Cluster:
    """Node 0 leads node 1, which has not heard of it."""
    cluster = new_cluster(2)
    for step in (
        *(Input(0, v.CreateCluster(frozenset({0, 1}))), Drain(0), Deliver(0), Drain(1)),
        *(Deliver(0), Drain(0)),
    ):
        cluster = apply(cluster, step).after
    return cluster


def after(cluster: Cluster, *steps: Step) -> Cluster:
    for step in steps:
        cluster = apply(cluster, step).after
    return cluster


def test_a_content_is_found_by_what_it_says() -> None:
    """It is the second call without the loss, and the first one after it."""
    before = after(elected(), Input(0, v.Heartbeat()), Drain(0))
    assert len(before.network) == 2
    lost = after(before, Lose(0))
    choice = choice_of(lost, Deliver(0))
    assert step_of(lost, choice) == Deliver(0)
    assert step_of(before, choice) == Deliver(1)
    assert isinstance(choice, Pick)
    assert step_of(before, replace(choice, like=None)) == Deliver(0)


def test_a_snapshot_is_of_what_is_committed_here() -> None:
    lone = after(new_cluster(1), CREATE, Drain(0), Input(0, v.ProposeCommand()), Drain(0))
    node = lone.members[0].node
    assert node.commit_index == 3
    whole = Input(0, v.SnapshotInstalled(node.log.position(3), node.log.config_at(3)))
    assert choice_of(lone, whole) == Compact(0, 3)
    assert step_of(lone, Compact(0, 3)) == whole
    shorter = after(new_cluster(1), CREATE, Drain(0))
    found = step_of(shorter, Compact(0, 3))
    assert isinstance(found, Input)
    assert isinstance(found.event, v.SnapshotInstalled)
    assert found.event.position.index == shorter.members[0].node.commit_index == 2
    assert step_of(new_cluster(1), Compact(0, 3)) is None


def test_a_snapshot_that_is_none_stays_as_it_is() -> None:
    lone = after(new_cluster(1), CREATE, Drain(0))
    wrong = Input(0, v.SnapshotInstalled(v.Position(1, 2), v.Config()))
    assert choice_of(lone, wrong) == wrong
    assert step_of(lone, wrong) == wrong


def test_a_call_that_nobody_sent_is_made_as_its_leader_makes_it_here() -> None:
    cluster = elected()
    leader = cluster.members[0].node
    call = v.AppendEntriesCall(0, 7, 9, 0, v.Position(6, 1), (v.Entry(7, v.TERM),))
    found = step_of(cluster, Input(1, v.Receive(call)))
    assert isinstance(found, Input)
    assert found.event == v.Receive(
        v.AppendEntriesCall(
            0, leader.current_term, leader.seqno, 0, leader.log.position(1), leader.log.after(1)
        )
    )
    follower = replace(call, sender=1)
    assert step_of(cluster, Input(0, v.Receive(follower))) is None


# What else a schedule may be


def schedule(episode: int, nodes: int = 4) -> list[Choice]:
    run, choices = Run(nodes), []
    for step, change in changes(Schedule(0, episode, nodes), length=400):
        choices.append(choice_of(change.before, step))
        run.take(step)
    return choices


SCHEDULES = [schedule(episode) for episode in (0, 1, 2, 6)]


@pytest.mark.parametrize("choices", SCHEDULES)
def test_simpler_is_lighter(choices: list[Choice]) -> None:
    pairs = [(other, choice) for choice in choices for other in simpler(choice)]
    assert all(weight([other]) < weight([choice]) for other, choice in pairs)
    assert len(pairs) > 10


@pytest.mark.parametrize("choices", SCHEDULES)
def test_who_is_gone_is_not_mentioned(choices: list[Choice]) -> None:
    found = renamed(choices, {0: 0, 1: 1, 2: None, 3: 2})
    assert 0 < len(found) < len(choices)
    assert {node_of(choice) for choice in found} <= {0, 1, 2}
    for choice in found:
        match choice:
            case Pick(to=to, sender=sender):
                assert to != sender
                assert {to, sender} <= {0, 1, 2}
            case Input(_, v.CreateCluster(voters)):
                assert voters <= {0, 1, 2}
            case Input(_, v.ProposeConfig(config)):
                assert config.voters | config.new_voters | config.non_voters <= {0, 1, 2}
    same = {node: node for node in range(4)}
    assert renamed(choices, same) == choices


@pytest.mark.parametrize("choices", SCHEDULES)
def test_a_detour_is_as_long_and_another_one(choices: list[Choice]) -> None:
    for place in range(0, len(choices), 7):
        for other in otherwise(choices, place, 4):
            assert other != choices
            assert other[:place] == choices[:place]
            assert len(other) <= len(choices)


def test_a_comeback_belongs_to_its_node() -> None:
    assert node_of(Comeback(2)) == 2
    assert renamed([Comeback(2)], {0: 0, 1: 1, 2: 0}) == [Comeback(0)]
