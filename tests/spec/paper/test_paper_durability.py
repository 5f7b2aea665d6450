"""Figure 2, "Persistent state": what is on the disk before anything that rests on it leaves.

Each on the specification and on the library.
"""

from __future__ import annotations

import raftbare as rb
from spec import values as v
from spec.pending import NOTHING, owe
from spec.rules import Effect, step
from spec.rules.drain import take_all
from spec.rules.servers import receive
from tests.library.helpers import after, append_call, header, node_with
from tests.support.scenario import commands, leading, log_of

LOG = log_of(1, 1)
FOLLOWER = v.Node(1, v.Follower(), 2, None, LOG)


def follower() -> rb.Node:
    """The same in the library: of three voters, its log on its disk."""
    return node_with(1, after((0, 0), rb.TermEntry(rb.Term(1)), rb.CommandEntry()), term=2)


def drain_of(taken: Effect) -> list[str]:
    """The kinds of actions, in their order."""
    actions, _ = take_all(taken.node, owe(NOTHING, taken.owed))
    return [type(action).__name__ for action in actions]


def drain(node: rb.Node) -> list[str]:
    return [type(action).__name__ for action in node.actions]


def test_figure_2_term_and_vote_are_saved_before_a_vote_is_asked_for() -> None:
    node = follower()
    node.handle_election_timeout()
    expected = ["SetElectionTimeout", "SaveCurrentTerm", "SaveVotedFor", "BroadcastMessage"]
    assert drain(node) == drain_of(step(FOLLOWER, v.ElectionTimeout())) == expected


def test_figure_2_a_vote_is_saved_before_it_is_given() -> None:
    node = follower()
    ended = rb.LogPosition(rb.Term(1), rb.LogIndex(2))
    node.handle_message(rb.RequestVoteCall(header(0, 2), ended))
    taken = receive(FOLLOWER, v.RequestVoteCall(0, 2, 1, v.Position(1, 2)))
    expected = ["SetElectionTimeout", "SaveVotedFor", "SendMessage"]
    assert drain(node) == drain_of(taken) == expected


def test_figure_2_a_term_is_saved_before_any_message_of_it() -> None:
    node = follower()
    node.handle_message(append_call(0, 5, after((4, 9))))  # refused, in the new term
    call = v.AppendEntriesCall(0, 5, 1, 0, v.Position(4, 9), ())
    expected = ["SetElectionTimeout", "SaveCurrentTerm", "SaveVotedFor", "SendMessage"]
    assert drain(node) == drain_of(receive(FOLLOWER, call)) == expected


def test_figure_2_entries_are_written_before_they_are_acknowledged() -> None:
    node = follower()
    node.handle_message(append_call(0, 2, after((1, 2), rb.CommandEntry())))
    call = v.AppendEntriesCall(0, 2, 1, 0, v.Position(1, 2), commands(1))
    expected = ["SetElectionTimeout", "AppendLogEntries", "SendMessage"]
    assert drain(node) == drain_of(receive(FOLLOWER, call)) == expected


def test_10_2_1_a_leaders_calls_leave_before_it_has_written() -> None:
    """They rest on no disk of its own: it counts itself once the write is done."""
    taken = step(leading(0, 2, LOG), v.ProposeCommand())
    node = node_with(0, after((0, 0), rb.TermEntry(rb.Term(1)), rb.CommandEntry()), term=1)
    node.handle_election_timeout()
    drain(node)
    node.handle_message(rb.RequestVoteReply(header(1, 2), True))
    drain(node)
    node.propose_command()
    assert drain(node) == drain_of(taken) == [
        "SetElectionTimeout", "BroadcastMessage", "AppendLogEntries"
    ]  # fmt: skip


def test_figure_2_a_leader_with_nothing_durable_has_committed_nothing() -> None:
    """An only voter: nobody else holds what it has not written."""
    only = log_of(1, config=v.Config(frozenset({0})))
    taken = step(leading(0, 2, only), v.ProposeCommand())
    assert taken.node.commit_index == 0
    node = rb.Node.start(rb.NodeId(0))
    node.create_cluster([rb.NodeId(0)])
    drain(node)
    position = node.propose_command()
    assert node.commit_index < position.index
    drain(node)
    assert node.commit_index == position.index


def test_figure_2_what_is_known_to_be_committed_only_grows() -> None:
    knows = FOLLOWER._replace(commit_index=2)
    late = v.AppendEntriesCall(0, 2, 1, 1, v.Position(1, 1), ())
    assert receive(knows, late).node.commit_index == 2
    node = follower()
    node.handle_message(append_call(0, 2, after((1, 2)), commit=2, seqno=2))
    node.handle_message(append_call(0, 2, after((1, 1)), commit=1, seqno=1))
    assert node.commit_index == 2
