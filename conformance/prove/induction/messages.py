"""What the messages of the acting server claim."""

from __future__ import annotations

from typing import Any

from conformance.prove.induction.actor import Actor
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Int, LogOf
from conformance.prove.statements.logic import choose
from conformance.prove.statements.messages import Addressed, Reads, claim_of, install_of, owed
from spec import values as v
from spec.cluster import Member, Turn
from spec.pending import Pending


def reads(actor: Actor) -> Reads:
    number = actor.paths.term

    def entries(call: v.AppendEntriesCall) -> tuple[LogOf, tuple[Int, ...]]:
        first = call.prev_position.index + 1
        known = [(number(first + k), actor.entry(entry)) for k, entry in enumerate(call.entries)]

        def entry(i: Any) -> Any:
            result = actor.created
            for index, one in reversed(known):
                result = choose(i == index, one, result)
            return result

        return entry, tuple(index for index, _ in known)

    return Reads(number, entries)


def as_claim(actor: Actor, message: v.Message, to: v.NodeId | None) -> claims.Message:
    if id(message) in actor.claimed:
        return actor.claimed[id(message)][1]
    return claim_of(reads(actor), message, to)


def of_addressed(actor: Actor, node: v.Node, addressed: Addressed) -> claims.Message:
    message, to = addressed
    if message is not None:
        return as_claim(actor, message, to)
    assert to is not None
    return install_of(reads(actor), node, to)


def owed_claims(actor: Actor, member: Member, old: Pending) -> list[claims.Message]:
    """The messages that a member owes and did not owe before."""
    known = {(id(message), to) for message, to in owed(old)}
    new = [one for one in owed(member.pending) if (id(one[0]), one[1]) not in known]
    return [of_addressed(actor, member.node, one) for one in new]


def sent_claims(actor: Actor, turn: Turn) -> list[claims.Message]:
    """The messages that a turn handed to the network."""
    sent: list[Addressed] = []
    for done in turn.executed:
        match done.action:
            case v.BroadcastMessage(message):
                sent.append((message, None))
            case v.SendMessage(to, message):
                sent.append((message, to))
            case v.InstallSnapshot(to):
                sent.append((None, to))
    return [of_addressed(actor, turn.before.node, one) for one in sent]
