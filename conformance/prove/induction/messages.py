"""What the messages of the acting server claim."""

from __future__ import annotations

from typing import Any

from conformance.prove.induction.actor import Actor
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Int, LogOf
from conformance.prove.statements.logic import choose
from conformance.prove.statements.messages import Reads, claim_of, install_of, owed
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


def owed_claims(actor: Actor, member: Member, old: Pending) -> list[claims.Message]:
    """What a member owes and did not owe before."""
    known = {id(send) for send in old.sends}
    new = member.pending._replace(
        calls=tuple([to for to in member.pending.calls if to not in old.calls]),
        broadcast=member.pending.broadcast and not old.broadcast,
        sends=tuple([send for send in member.pending.sends if id(send) not in known]),
    )
    return list(owed(reads(actor), member.node, new))


def sent_claims(actor: Actor, turn: Turn) -> list[claims.Message]:
    """The messages that a turn handed to the network."""
    sent: list[claims.Message] = []
    for done in turn.executed:
        match done.action:
            case v.BroadcastMessage(message):
                sent.append(claim_of(reads(actor), message, None))
            case v.SendMessage(to, message):
                sent.append(claim_of(reads(actor), message, to))
            case v.InstallSnapshot(to):
                sent.append(install_of(reads(actor), turn.before.node, to))
    return sent
