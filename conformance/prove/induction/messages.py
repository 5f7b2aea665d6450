"""Messages of the specification as what they claim."""

from __future__ import annotations

from typing import Any

from conformance.prove.induction.actor import Actor
from conformance.prove.statements import claims
from conformance.prove.statements.logic import choose
from conformance.prove.statements.views import ACTOR
from spec import values as v
from spec.cluster import Member, Turn
from spec.pending import Pending


def call_as_claim(actor: Actor, call: v.AppendEntriesCall) -> claims.AppendCall:
    term = actor.paths.term
    first = call.prev_position.index + 1
    entries = [(term(first + k), actor.entry(entry)) for k, entry in enumerate(call.entries)]

    def entry(i: Any) -> Any:
        result = actor.created
        for index, one in reversed(entries):
            result = choose(i == index, one, result)
        return result

    return claims.AppendCall(
        call.sender,
        term(call.term),
        term(call.commit_index),
        term(call.prev_position.term),
        term(call.prev_position.index),
        term(call.prev_position.index + len(call.entries)),
        entry,
        tuple(index for index, _ in entries),
    )


def as_claim(actor: Actor, message: v.Message, to: v.NodeId | None) -> claims.Message:
    if id(message) in actor.claimed:
        return actor.claimed[id(message)][1]
    term = actor.paths.term
    match message:
        case v.AppendEntriesCall():
            return call_as_claim(actor, message)
        case v.AppendEntriesReply(sender, of, _, last):
            return claims.AppendReply(sender, term(of), term(last.term), term(last.index))
        case v.RequestVoteCall(sender, of, _, last):
            return claims.VoteCall(sender, term(of), term(last.term), term(last.index))
        case v.RequestVoteReply(sender, of, _, granted):
            assert to is not None
            return claims.VoteReply(sender, to, term(of), granted)


def owed_claims(actor: Actor, member: Member, old: Pending | None) -> list[claims.Message]:
    """The messages that a member owes and did not owe before."""
    pending, found = member.pending, []
    if pending.broadcast is not None and (old is None or pending.broadcast is not old.broadcast):
        found.append(as_claim(actor, pending.broadcast, None))
    known = {id(send.message) for send in old.sends} if old is not None else set()
    for send in pending.sends:
        if id(send.message) not in known:
            found.append(as_claim(actor, send.message, send.to))
    for to in pending.installs:
        if old is None or to not in old.installs:
            found.append(install_claim(actor, member.node, to))
    return found


def install_claim(actor: Actor, node: v.Node, to: v.NodeId) -> claims.Install:
    term, position = actor.paths.term, node.log.snapshot_position
    return claims.Install(
        ACTOR, to, term(node.current_term), term(position.term), term(position.index)
    )


def sent_claims(actor: Actor, turn: Turn) -> list[claims.Message]:
    """The messages that a turn handed to the network."""
    found: list[claims.Message] = []
    for done in turn.executed:
        match done.action:
            case v.BroadcastMessage(message):
                found.append(as_claim(actor, message, None))
            case v.SendMessage(to, message):
                found.append(as_claim(actor, message, to))
            case v.InstallSnapshot(to):
                found.append(install_claim(actor, turn.before.node, to))
    return found
