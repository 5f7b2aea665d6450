"""Rules for Servers (Figure 2): all servers; followers.  Every event comes in here."""

from __future__ import annotations

from spec import values as v
from spec.rules.append_entries import broadcast_heartbeat, receive_append_entries_call
from spec.rules.effect import Effect
from spec.rules.leaders import heartbeat, propose_command, receive_append_entries_reply
from spec.rules.membership import may_campaign, propose_config
from spec.rules.request_vote import (
    receive_request_vote_call,
    receive_request_vote_reply,
    start_election,
)
from spec.rules.snapshots import snapshot_installed
from spec.rules.start import create_cluster, restart, start
from spec.rules.transfer import cancel_transfer, step_down, timeout_now, transfer_leadership


def step(node: v.Node, event: v.Event) -> Effect:
    """The one way in: every event a node may see, and the rule that answers it."""
    match event:
        case v.Receive(message):
            return receive(node, message)
        case v.ElectionTimeout():
            return election_timeout(node)
        case v.ProposeCommand():
            return propose_command(node)
        case v.Heartbeat():
            return heartbeat(node)
        case v.ProposeConfig(config):
            return propose_config(node, config)
        case v.StepDown():
            return step_down(node)
        case v.TransferLeadership(to):
            return transfer_leadership(node, to)
        case v.CancelTransfer():
            return cancel_transfer(node)
        case v.TimeoutNow(term):
            return timeout_now(node, term)
        case v.SnapshotInstalled(position, config):
            return snapshot_installed(node, position, config)
        case v.CreateCluster(voters):
            return create_cluster(node, voters)
        case v.Restart():
            return restart(node.id, event)
        case v.Start(limits):
            return start(node.id, limits)


def receive(node: v.Node, message: v.Message) -> Effect:
    """All servers: a message of a later term, call or reply, makes its receiver a follower in that
    term (§5.1); then the message's own rule answers it.

    Nothing comes of a message that the node sent itself (D8).
    """
    if message.sender == node.id:
        return Effect(node)
    current = Effect(node)
    if message.term > node.current_term:
        current = become_follower(node, message.term)
    effect = respond(current.node, message)
    if isinstance(effect.outcome, v.Refused):
        return Effect(node, outcome=effect.outcome)
    return Effect(effect.node, current.owed + effect.owed)


def become_follower(node: v.Node, term: v.Term) -> Effect:
    """All servers: follow in a term that is new to the node, without having voted in it yet.

    This is the only rule that clears a vote (D3).  The election timer of a follower or candidate
    runs on, or one that cannot win could put off for ever the election that another one can.
    """
    owed: tuple[v.Action, ...] = (v.SaveCurrentTerm(term), v.SaveVotedFor(None))
    if isinstance(node.role, v.Leader):  # it had another timer
        owed = (*owed, v.SetElectionTimeout())
    return Effect(node._replace(role=v.Follower(), current_term=term, voted_for=None), owed)


def respond(node: v.Node, message: v.Message) -> Effect:
    """Followers: calls are answered (§5.2).  The others answer them by the same rules."""
    match message:
        case v.AppendEntriesCall():
            return receive_append_entries_call(node, message)
        case v.AppendEntriesReply():
            return receive_append_entries_reply(node, message)
        case v.RequestVoteCall():
            return receive_request_vote_call(node, message)
        case v.RequestVoteReply():
            return receive_request_vote_reply(node, message)


def election_timeout(node: v.Node) -> Effect:
    """Followers and candidates: without a leader for that long, an election begins (§5.2).

    The timer is the user's, who sets it when the action `SetElectionTimeout` says so: on each of
    the occasions of Figure 2.  A leader has one too, and shows that it is alive.
    """
    match node.role:
        case v.Leader():
            return broadcast_heartbeat(node)
    if not may_campaign(node):  # the timer goes on for the day on which it may
        return Effect(node, (v.SetElectionTimeout(),))
    return start_election(node)
