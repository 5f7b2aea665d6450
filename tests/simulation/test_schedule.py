"""The simulator: everything follows from the seed, and every step may happen where it is drawn."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.simulation.episode import changes
from conformance.simulation.schedule.profile import draw_profile
from conformance.simulation.schedule.simulate import BUSY, MAX_NODES, Schedule
from spec.cluster import Deliver, Drain, Input, Step, is_enabled
from spec.pending import NOTHING
from spec.rules import step as rule
from spec.values import Receive, Refused, SnapshotInstalled


def steps(seed: int, episode: int, count: int = 120) -> list[Step]:
    return [step for step, _ in changes(Schedule(seed, episode), length=count)]


def test_seed_and_episode_are_all_that_a_schedule_follows_from() -> None:
    assert steps(1, 2) == steps(1, 2)
    assert steps(1, 2) != steps(1, 3)
    assert steps(1, 2) != steps(2, 2)


@pytest.mark.parametrize("episode", range(10))
def test_every_step_is_enabled_and_in_the_end_most_of_them_are_of_use(episode: int) -> None:
    kinds: Counter[str] = Counter()
    for step, change in changes(Schedule(11, episode), length=200):
        assert is_enabled(change.before, step)
        kinds[type(step).__name__] += 1
        cluster = change.after
    assert kinds["Input"] > 0
    assert kinds["Drain"] > 0
    assert cluster.history.leaders


def test_what_the_schedule_makes_up_is_legal() -> None:
    """A snapshot is of a durable term; a call that nobody sent is true, or has to be refused."""
    snapshots = refused = accepted = 0
    for episode in range(30):
        for step, change in changes(Schedule(4, episode)):
            members = change.before.members
            match step:
                case Input(node, SnapshotInstalled(position)):
                    member = members[node]
                    snapshots += 1
                    assert not member.pending.save_current_term
                    assert position.index <= member.node.commit_index
                    assert position.term <= member.disk.current_term
                case Input(node, Receive() as event):
                    outcome = rule(members[node].node, event).outcome
                    refused += isinstance(outcome, Refused)
                    accepted += not isinstance(outcome, Refused)
    assert min(snapshots, refused, accepted) > 10


def test_profiles_differ_and_leave_the_network_its_share() -> None:
    profiles = []
    for episode in range(200):
        schedule = Schedule(0, episode)
        profiles.append(schedule.profile)
        assert sum(rate for rate, _ in schedule._kinds) <= BUSY + 1e-9
        assert 1 <= schedule.profile.voters <= schedule.profile.nodes <= MAX_NODES
    for fault in ("crash", "lose", "duplicate", "reorder", "config", "linger", "partition"):
        without = sum(getattr(profile, fault) == 0.0 for profile in profiles)
        assert 0 < without < len(profiles)
    assert len(set(profiles)) == len(profiles)


def test_a_drain_follows_an_input_unless_it_lingers() -> None:
    lingering = drained = 0
    for episode in range(20):
        for step, change in changes(Schedule(0, episode), length=150):
            if isinstance(step, Drain):
                drained += 1
            elif isinstance(step, Deliver):
                to = change.before.network[step.index].to
                lingering += change.before.members[to].pending != NOTHING
    assert drained > 100
    assert lingering > 10


def test_a_profile_is_drawn_for_the_size_that_is_asked_for() -> None:
    for nodes in range(1, MAX_NODES + 1):
        assert draw_profile(Schedule(0, 0).random, nodes).nodes == nodes


def test_a_leader_that_was_cut_off_may_have_the_shorter_log() -> None:
    """What a peer's snapshot covers may begin beyond it: there is nothing to send from there."""
    length = Schedule(0, 2666).profile.length
    assert len(steps(0, 2666, length)) == length
