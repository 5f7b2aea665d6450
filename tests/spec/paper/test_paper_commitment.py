"""§5.3, §5.4.2 commitment: entries of earlier terms (Figure 8), and twice in one drain (§6)."""

from __future__ import annotations

import pytest

from conformance.subjects.patched import in_rules, patched_rule
from spec import rules
from spec import values as v
from spec.cluster import Deliver, Drain, Input, Rule
from spec.properties import check
from tests.support.scenario import Scenario


def figure_8(rule: Rule = rules.step, collect: bool = False) -> Scenario:
    """(a) to (c); index 3 of term 1 takes the place of the figure's index 2 of term 2."""
    cluster = Scenario(5, rule, collect)
    cluster.create(0, 1, 2, 3, 4)
    # (a) S1 leads, and its entry at index 3 reaches S2 only.
    cluster.input(0, v.ProposeCommand())
    cluster.deliver(0, 1)
    cluster.lose_all()
    assert [cluster.terms(node) for node in range(5)] == [[0, 1, 1]] * 2 + [[0, 1]] * 3
    # (b) S1 crashes; S5 is elected by S3, S4 and itself and has another entry at index 3.
    cluster.crash(0)
    cluster.elect(4, 2, 3)
    cluster.lose_all()
    assert cluster.terms(4) == [0, 1, 2]
    # (c) S5 crashes; S1 comes back, is elected, and goes on replicating index 3, to a majority.
    cluster.crash(4)
    cluster.comeback(0)
    cluster.elect(0, 1, 2)
    assert cluster.node(0).current_term == 3
    cluster.exchange(0, 1, keep=0)
    cluster.exchange(0, 2)
    cluster.exchange(0, 2, keep=1)
    assert [cluster.terms(node) for node in (0, 1, 2)] == [[0, 1, 1, 3], [0, 1, 1], [0, 1, 1]]
    return cluster


def test_5_4_2_figure_8_c_an_entry_of_an_earlier_term_is_not_committed_by_counting() -> None:
    assert figure_8().node(0).commit_index < 3


def test_5_4_2_figure_8_d_it_may_still_be_overwritten() -> None:
    cluster = figure_8()
    cluster.crash(0)
    cluster.comeback(4)
    cluster.elect(4, 1, 2, 3)
    cluster.settle()
    cluster.input(4, v.Heartbeat())
    cluster.settle()
    for node in (1, 2, 3, 4):
        assert cluster.node(node).log.entry(3) == v.Entry(2, v.TERM)
        assert cluster.node(node).commit_index == 4 == cluster.node(node).log.last_index


def test_5_4_2_figure_8_e_an_entry_of_the_own_term_commits_it_and_s5_cannot_win() -> None:
    cluster = figure_8()
    cluster.lose_all()
    cluster.input(0, v.Heartbeat())
    for peer in (1, 2):
        cluster.exchange(0, peer)  # the heartbeat follows an entry that it lacks
        cluster.exchange(0, peer)
    assert cluster.node(0).commit_index == 4
    assert cluster.cluster.history.committed[2] == v.Entry(1, v.COMMAND)
    cluster.crash(0)
    cluster.comeback(4)
    cluster.lose_all()
    for _ in range(5):
        cluster.input(4, v.ElectionTimeout())
        cluster.settle()
    assert not isinstance(cluster.node(4).role, v.Leader)
    cluster.elect(1, 2, 3)
    cluster.settle()
    assert [cluster.node(node).log.entry(3) for node in (1, 2, 3, 4)] == [v.Entry(1, v.COMMAND)] * 4


def test_5_4_2_a_leader_that_counts_entries_of_earlier_terms_loses_one() -> None:
    counting_all = patched_rule(
        in_rules(
            "if index <= node.commit_index or node.log.term(index) != node.current_term:",
            "if index <= node.commit_index:",
        )
    )
    cluster = figure_8(counting_all, collect=True)
    assert cluster.node(0).commit_index == 3
    names = {broken.property for broken in cluster.violations}
    assert names == {"NeverCommitEarlierTermDirectly"}
    cluster.crash(0)
    cluster.comeback(4)
    cluster.elect(4, 1, 2, 3)
    assert "LeaderCompleteness" in {broken.property for broken in cluster.violations}


# The end of one drain may commit a joint configuration, and the one that follows it.

FIRST, SECOND = frozenset({0}), frozenset({1})


@pytest.fixture
def owing() -> Scenario:
    """Leader 0 is to hand over to node 1, takes the leadership back meanwhile, and owes its write.

    Node 1 has replied already: it was brought those entries in another call.
    """
    cluster = Scenario(2)
    cluster.create(0, 1)
    cluster.input(0, v.ProposeConfig(v.Config(FIRST | SECOND, SECOND)))
    cluster.exchange(0, 1)
    assert cluster.node(0).config == v.Config(SECOND)
    cluster.lose_all()
    cluster.take(Input(0, v.ProposeConfig(v.Config(SECOND, FIRST))))
    leader = cluster.node(0)
    prev, entries = leader.log.position(3), leader.log.after(3)
    call = v.AppendEntriesCall(
        0, leader.current_term, leader.seqno, leader.commit_index, prev, entries
    )
    cluster.input(1, v.Receive(call))
    cluster.take(Deliver(0))
    return cluster


def test_6_both_are_on_the_quorums_that_they_need(owing: Scenario) -> None:
    joint = owing.node(0).log.last_index
    assert owing.node(0).commit_index < joint
    owing.take(Drain(0))
    assert owing.node(0).commit_index == joint + 1
    assert owing.node(0).config == v.Config(FIRST)


def test_6_the_joint_one_still_has_to_be_on_both_its_majorities(owing: Scenario) -> None:
    """Where node 1 has lost what it replied, neither may be committed."""
    change = owing.take(Drain(0))
    leader, forgetful = change.after.members
    disk = forgetful.disk._replace(log=forgetful.disk.log.truncated(3))
    members = (leader, forgetful._replace(disk=disk))
    broken = check(change._replace(after=change.after._replace(members=members)))
    assert broken is not None
    assert broken.property == "CommittedOnQuorum"
