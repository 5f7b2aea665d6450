"""Hypothesis strategies for values of Raft, as the specification has them (`spec.values`).

What is drawn is possible of a single value: terms of a log never fall, a configuration has no node
both as a voter and as a non-voter.  Only `clusters` are consistent in themselves: states that a
cluster comes to by random events.  Numbers are small by default, since what is rare is that they
are equal or follow one another.
"""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from spec import values as v
from spec.cluster import Cluster

MOST = 2**64 - 1


def numbers(most: int = 6) -> st.SearchStrategy[int]:
    """Terms, indices, ids: up to `most`, and MOST is the largest there is."""
    return st.integers(0, most)


def positions(most: int = 6) -> st.SearchStrategy[v.Position]:
    """The end of a log: index 0 is of term 0."""
    return st.builds(
        lambda term, index: v.Position(term if index else 0, index), numbers(most), numbers(most)
    )


def configs(nodes: int = 5) -> st.SearchStrategy[v.Config]:
    """Memberships of the nodes 0, 1, ...; joint ones, too.  There is a voter."""
    some = st.frozensets(st.integers(0, nodes - 1))
    return st.builds(
        lambda voters, new, others: v.Config(voters, new, others - voters - new),
        some.filter(bool),
        st.one_of(st.just(frozenset[v.NodeId]()), some),
        some,
    )


@st.composite
def entries(draw: st.DrawFn, term: int = 0, most: int = 6, nodes: int = 5) -> v.Entries:
    """Entries that may follow one of `term`: at most `most`, the first of a term opens it."""
    drawn: list[v.Entry] = []
    for payload in draw(st.lists(st.sampled_from(["term", "command", "config"]), max_size=most)):
        if payload == "term":
            term += draw(st.integers(1, 3))
            drawn.append(v.Entry(term, v.TERM))
        elif payload == "command":
            drawn.append(v.Entry(term, v.COMMAND))
        else:
            drawn.append(v.Entry(term, draw(configs(nodes))))
    return tuple(drawn)


@st.composite
def logs(draw: st.DrawFn, most: int = 6, nodes: int = 5) -> v.Log:
    """Logs, with a snapshot of their beginning or without."""
    position = draw(positions(most))
    config = draw(configs(nodes)) if position.index else v.NO_CONFIG
    return v.new_log(position, config, draw(entries(position.term, most, nodes)))


@st.composite
def messages(draw: st.DrawFn, nodes: int = 5, most: int = 6) -> v.Message:
    """One of the four messages, from one of the nodes; a call's entries are of its term at most."""
    sender, seqno = draw(st.integers(0, nodes - 1)), draw(numbers(most))
    last = draw(positions(most))
    term = last.term + draw(numbers(2))
    kind = draw(st.sampled_from(["vote call", "vote reply", "call", "reply"]))
    if kind == "vote call":
        return v.RequestVoteCall(sender, term, seqno, last, draw(st.booleans()))
    if kind == "vote reply":
        return v.RequestVoteReply(sender, term, seqno, draw(st.booleans()))
    if kind == "reply":
        return v.AppendEntriesReply(sender, term, seqno, last, draw(st.booleans()))
    sent = draw(entries(last.term, most, nodes))
    term = max(term, sent[-1].term if sent else 0)
    return v.AppendEntriesCall(sender, term, seqno, draw(numbers(most)), last, sent)


def events(nodes: int = 5, most: int = 6) -> st.SearchStrategy[v.Event]:
    """Whatever may happen to a node that is up: messages, timers, its user's wishes."""
    plain = [v.ElectionTimeout(), v.ProposeCommand(), v.Heartbeat(), v.StepDown()]
    return st.one_of(
        st.builds(v.Receive, messages(nodes, most)),
        st.sampled_from([*plain, v.CancelTransfer()]),
        st.builds(v.TransferLeadership, st.integers(0, nodes - 1)),
        st.builds(v.TimeoutNow, numbers(most)),
        st.builds(v.ProposeConfig, configs(nodes)),
        st.builds(v.CreateCluster, st.frozensets(st.integers(0, nodes - 1), min_size=1)),
        st.builds(v.SnapshotInstalled, positions(most), configs(nodes)),
    )


@st.composite
def clusters(draw: st.DrawFn, nodes: int = 3, steps: int = 120) -> Cluster:
    """What a cluster of that size has come to after at most `steps` random steps.  Costs 0.1 ms
    a step.
    """
    schedule = Schedule(draw(st.integers(0, 10_000)), 0, nodes).honest()
    cluster = schedule.origin.cluster(nodes)
    for _, change in changes(schedule, length=draw(st.integers(0, steps))):
        cluster = change.after
    return cluster
