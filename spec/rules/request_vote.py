"""RequestVote RPC (Figure 2): what its receiver does, and the rules for candidates."""

from __future__ import annotations

from spec import values as v
from spec.rules.effect import Effect
from spec.rules.leaders import become_leader
from spec.rules.membership import has_quorum

# Receiver implementation


def receive_request_vote_call(node: v.Node, call: v.RequestVoteCall) -> Effect:
    """Receiver 1 and 2; a vote that is not granted in the current term is not replied to."""
    # 1. A call of an earlier term is denied (§5.1).
    if call.term < node.current_term:
        reply = v.RequestVoteReply(node.id, node.current_term, call.seqno, False)
        return Effect(node, (v.SendMessage(call.sender, reply),))
    # 2. One vote a term (§5.2), to a candidate whose log is not behind (§5.4): logs are compared
    #    by the last entry's term, then by its index (§5.4.1, D1).
    if call.last_position < node.log.last_position:
        return Effect(node)
    if node.voted_for not in (None, call.sender):
        return Effect(node)
    owed: tuple[v.Action, ...] = ()
    if node.voted_for is None:
        node = node._replace(voted_for=call.sender)
        owed = (v.SaveVotedFor(call.sender),)
    reply = v.RequestVoteReply(node.id, node.current_term, call.seqno, True)
    return Effect(node, (*owed, v.SendMessage(call.sender, reply), v.SetElectionTimeout()))


# Rules for Servers: candidates (§5.2)


def start_election(node: v.Node, transfer: bool = False) -> Effect:
    """A candidate begins with the election of the next term."""
    # The next term, with its own vote.
    node = node._replace(
        role=v.Candidate(frozenset({node.id}), transfer),
        current_term=node.current_term + 1,
        voted_for=node.id,
    )
    # A new timer, in case that nobody wins.
    owed: tuple[v.Owed, ...] = (
        v.SaveCurrentTerm(node.current_term),
        v.SaveVotedFor(node.voted_for),
        v.SetElectionTimeout(),
    )
    # The others are asked for theirs, unless its own is enough.
    if not has_quorum(node.config, frozenset({node.id})):
        owed = (*owed, v.CallAll())
    return Effect(node, owed)


def receive_request_vote_reply(node: v.Node, reply: v.RequestVoteReply) -> Effect:
    """With the votes of a majority, a candidate leads its term."""
    match node.role:
        case v.Candidate(granted, transfer) if (
            reply.vote_granted and reply.term == node.current_term
        ):
            granted = granted | {reply.sender}
            node = node._replace(role=v.Candidate(granted, transfer))
            if has_quorum(node.config, granted):
                return become_leader(node)
    return Effect(node)
