"""§8; dissertation, §6.4: reads without an entry in the log, and what would make them stale."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.mutants.planted.catalogue import by_name
from spec import rules
from spec import values as v
from spec.cluster import Deliver, Drain, Lose
from spec.rules import Effect, confirmed, is_confirmed, read_index, step
from spec.rules.leaders import reached
from tests.support.scenario import Scenario, leading, log_of, voters

LOG = log_of(1, 2)
LEADER = leading(0, 2, LOG)._replace(commit_index=2, seqno=6)


# The rules


@pytest.mark.parametrize(
    ("node", "read"),
    [
        (LEADER, v.ReadIndex(2, 7, 2)),
        (LEADER._replace(commit_index=1), None),  # no entry of its own term is committed
        (leading(0, 3, LOG)._replace(commit_index=2), None),
        (LEADER._replace(role=v.Follower(1)), None),
        (LEADER._replace(role=v.Candidate(frozenset({0}))), None),
    ],
)
def test_8_a_leader_takes_reads_once_it_knows_what_is_committed(
    node: v.Node, read: v.ReadIndex | None
) -> None:
    assert read_index(node) == read


@pytest.mark.parametrize(
    ("answered", "config", "number"),
    [
        ({}, voters(0, 1, 2), 0),
        ({1: 4}, voters(0, 1, 2), 4),
        ({1: 4, 2: 6}, voters(0, 1, 2), 6),
        ({1: 4}, voters(0, 1, 2, 3, 4), 0),
        ({1: 4, 4: 6}, voters(0, 1, 2, 3, 4), 4),
        ({1: 4, 2: 6}, voters(1, 2), 4),  # it is no voter itself
        ({}, voters(0), 7),  # for any call that it may make next
        ({1: 5, 3: 3}, v.Config(frozenset({0, 1, 2}), frozenset({0, 3, 4})), 3),
        ({1: 5, 2: 5}, v.Config(frozenset({0, 1, 2}), frozenset({0, 3, 4})), 0),
        ({3: 5, 4: 5}, v.Config(frozenset({0, 1, 2}), frozenset({0, 3, 4})), 0),
        ({1: 5, 2: 4}, v.Config(frozenset({0, 1}), frozenset({0, 1}), frozenset({2})), 5),
    ],
)
def test_6_4_a_call_is_confirmed_by_a_quorum(
    answered: dict[v.NodeId, v.SeqNo], config: v.Config, number: v.SeqNo
) -> None:
    peers = [v.Progress(peer, answered=seqno) for peer, seqno in answered.items()]
    leader = leading(0, 2, log_of(1, 2, config=config), *peers)._replace(seqno=6)
    assert confirmed(leader) == number


def test_6_4_a_read_is_confirmed_in_its_term_by_a_call_after_it() -> None:
    heard = leading(0, 2, LOG, v.Progress(1, answered=6))._replace(commit_index=2, seqno=6)
    assert is_confirmed(heard, v.ReadIndex(2, 6, 2))
    assert not is_confirmed(heard, v.ReadIndex(2, 7, 2))
    assert not is_confirmed(heard, v.ReadIndex(1, 6, 2))
    assert not is_confirmed(heard._replace(role=v.Follower()), v.ReadIndex(2, 6, 2))


def test_6_4_a_heartbeat_tells_the_number_of_its_call() -> None:
    effect = step(LEADER, v.Heartbeat())
    assert effect.outcome == v.Called(7)
    assert v.CallAll() in effect.owed
    follower = LEADER._replace(role=v.Follower())
    assert step(follower, v.Heartbeat()) == Effect(follower, outcome=v.Refused("not_leader"))


# A leader that others have replaced


def stale(cluster: Scenario, old: v.NodeId = 0) -> bool:
    return any(node == old for node, _, _ in cluster.cluster.history.stale_reads)


def lose_from(cluster: Scenario, sender: v.NodeId) -> None:
    for at in reversed(range(len(cluster.cluster.network))):
        if cluster.cluster.network[at].content.sender == sender:
            cluster.take(Lose(at))


def replaced(cluster: Scenario) -> None:
    """Node 1 is elected by node 2, and commits what node 0, which led, does not know of."""
    lose_from(cluster, 0)
    cluster.input(1, v.ElectionTimeout())
    for _ in range(4):
        if cluster.between(1, 2) is not None:
            cluster.exchange(1, 2)
    assert isinstance(cluster.node(0).role, v.Leader)
    assert cluster.node(1).commit_index > cluster.node(0).commit_index
    assert stale(cluster)


def broken_by(cluster: Scenario) -> set[str]:
    return {violation.property for violation in cluster.violations}


def answered_late(cluster: Scenario) -> None:
    """The answer to a call before the read arrives after it."""
    cluster.create(0, 1, 2)
    cluster.input(0, v.Heartbeat())
    cluster.deliver(0, 1)
    replaced(cluster)
    cluster.deliver(1, 0)


def heard_by_non_voters(cluster: Scenario) -> None:
    cluster.create(0, 1, 2)
    learners = v.Config(frozenset({0, 1, 2}), frozenset(), frozenset({3, 4}))
    cluster.input(0, v.ProposeConfig(learners))
    cluster.settle()
    replaced(cluster)
    cluster.input(0, v.Heartbeat())
    for learner in (3, 4):
        cluster.exchange(0, learner)


def heard_by_new_voters(cluster: Scenario) -> None:
    cluster.create(0, 1, 2)
    cluster.input(0, v.ProposeConfig(v.Config(frozenset({0, 1, 2}), frozenset({0, 3, 4}))))
    replaced(cluster)
    cluster.input(0, v.Heartbeat())
    for voter in (3, 4):
        cluster.exchange(0, voter)


def new_leader_calls(cluster: Scenario) -> None:
    """Of a new leader's log more is committed than it knows; a call brings none of its entries."""
    cluster.create(0, 1, 2)
    cluster.input(0, v.ProposeCommand())
    cluster.exchange(0, 1)
    assert cluster.node(0).commit_index == 3 > cluster.node(1).commit_index
    lose_from(cluster, 0)
    cluster.input(1, v.ElectionTimeout())
    cluster.exchange(1, 2)
    cluster.input(1, v.Heartbeat())
    cluster.exchange(1, 2, keep=0)
    while cluster.between(1, 2) is not None and cluster.node(1).commit_index < 3:
        cluster.exchange(1, 2, keep=0)


def as_it_was(node: v.Node) -> v.ReadIndex | None:
    if not isinstance(node.role, v.Leader):
        return None
    return v.ReadIndex(node.current_term, node.seqno + 1, node.commit_index)


def number_of_last_call(node: v.Node) -> v.ReadIndex | None:
    read = read_index(node)
    return read and read._replace(seqno=node.seqno)


def counting(config: Callable[[v.Config], v.Config]) -> Callable[[v.Node], v.SeqNo]:
    def of(node: v.Node) -> v.SeqNo:
        assert isinstance(node.role, v.Leader)
        answered = [(peer.node, peer.answered) for peer in node.role.peers]
        return reached(config(node.config), [*answered, (node.id, node.seqno + 1)])

    return of


WRONG = {
    "taken before an entry of the own term is committed": (
        new_leader_calls,
        "spec.cluster.read_taken_now",
        as_it_was,
    ),
    "taken under the number of a call before it": (
        answered_late,
        "spec.cluster.read_taken_now",
        number_of_last_call,
    ),
    "confirmed by non-voters": (
        heard_by_non_voters,
        "spec.always.confirmed_by_quorum",
        counting(lambda config: v.Config(config.voters | config.non_voters)),
    ),
    "confirmed by the new voters alone": (
        heard_by_new_voters,
        "spec.always.confirmed_by_quorum",
        counting(lambda config: v.Config(config.new_voters or config.voters)),
    ),
}


@pytest.mark.parametrize("read", WRONG)
def test_6_4_a_read_would_be_stale_if_it_were(read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not, as the rules are: nothing is broken by the same run."""
    run, question, answer = WRONG[read]
    right = Scenario(5)
    run(right)
    assert right.violations == []
    monkeypatch.setattr(question, answer)
    wrong = Scenario(5, collect=True)
    run(wrong)
    assert broken_by(wrong) == {"ReadIndexSafe"}


def test_6_4_the_voters_of_an_old_configuration_can_replace_no_leader_that_they_confirm() -> None:
    """While it is joint: so their majority alone would do no harm, but is no quorum."""
    cluster = Scenario(5)
    heard_by_new_voters(cluster)
    assert stale(cluster)
    cluster.exchange(0, 1)
    assert isinstance(cluster.node(0).role, v.Follower)


def answered_in_an_earlier_life(cluster: Scenario) -> None:
    """A leader counts its calls from 1 again, and an answer to one of its former life is late."""
    cluster.create(0, 1, 2)
    for _ in range(6):
        cluster.input(0, v.Heartbeat())
        cluster.deliver(0, 1)
        cluster.take(Lose(cluster.between(0, 2) or 0))
    late = cluster.cluster.network[-1]
    assert isinstance(late.content, v.AppendEntriesReply)
    cluster.crash(0)
    cluster.comeback(0)
    cluster.input(0, v.ElectionTimeout())
    for _ in range(3):
        if cluster.between(0, 2) is not None:
            cluster.exchange(0, 2)
    assert rules.read_index(cluster.node(0)) is not None
    lose_from(cluster, 0)
    cluster.input(2, v.ElectionTimeout())
    for _ in range(5):
        if cluster.between(2, 1) is not None:
            cluster.exchange(2, 1)
    assert stale(cluster)
    assert late.content.seqno > cluster.node(0).seqno
    cluster.take(Deliver(cluster.cluster.network.index(late)))
    cluster.take(Drain(0))


def test_6_4_numbers_begin_anew_so_an_answer_of_an_earlier_term_confirms_nothing() -> None:
    answered_in_an_earlier_life(Scenario(3))
    wrong = Scenario(3, by_name("old-term-reply-confirms").rule(), collect=True)
    answered_in_an_earlier_life(wrong)
    assert broken_by(wrong) == {"ReadIndexSafe"}
