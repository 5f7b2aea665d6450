"""In which order what is owed is executed, on which the cases of a drain rest.

Each of these owes one action, and takes it for granted that those before it are done.  Which ones
come first is the specification's to say, whatever is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

from conformance.prove.induction.drains import first_action
from conformance.prove.runner.obligation import Result, Subjects
from spec import values as v
from spec.cluster import Disk, Member, drain
from spec.pending import NOTHING, Pending, callers_only

RANKS: Final = ("timeout", "term", "vote", "call to one", "call to all", "write", "reply")
"""What the cases of a drain assume: the term first, then the vote, calls, what is written, replies.
"""
LIMITS: Final = (v.LIMITS, v.Limits(entries=1, calls=1))
"""Of which the second makes of a call to all one for the rest as well."""


def rank(action: v.Action) -> int:
    match action:
        case v.SetElectionTimeout():
            return 0
        case v.SaveCurrentTerm():
            return 1
        case v.SaveVotedFor():
            return 2
        case v.SendMessage(_, v.AppendEntriesCall()) | v.InstallSnapshot():
            return 3
        case v.BroadcastMessage():
            return 4
        case v.AppendLogEntries():
            return 5
        case v.SendMessage():
            return 6


@dataclass(frozen=True, slots=True)
class InOrder:
    """Whatever is owed together, on plain integers: what an action is, its numbers do not say."""

    size: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        roles: tuple[v.Role, ...] = v.Follower(), v.Candidate(frozenset({0})), self.leader()
        for limits, role in product(LIMITS, roles):
            for owed in product((False, True), repeat=len(RANKS)):
                result.paths += 1
                wrong = out_of_order(self.owing(limits, role, *owed))
                if wrong and result.result == "proved":
                    result.result, result.detail = "refuted", f"executed in the order {wrong}"
        result.live = result.paths
        return result

    def leader(self) -> v.Leader:
        """One peer was sent all, one lacks the snapshot, the others the last entry."""
        peers = [v.Progress(peer, next=3) for peer in range(3, self.size)]
        return v.Leader((v.Progress(1), v.Progress(2, next=1), *peers), durable=3)

    def owing(self, limits: v.Limits, role: v.Role, *owed: bool) -> Member:
        """A server that owes these, in the order of `RANKS`, if its role does."""
        timeout, term, vote, call, broadcast, write, replies = owed
        config = v.Config(frozenset(range(self.size)))
        entries = (v.Entry(1, v.TERM), v.Entry(1, v.COMMAND))
        log = v.new_log(v.Position(0, 1), config, entries)
        node = v.Node(0, role, 2, 0, log, 1, 1, limits)
        to = tuple(range(1, self.size))
        reply = v.AppendEntriesReply(0, 2, 1, node.log.last_position)
        pending = Pending(
            timeout,
            term,
            vote,
            to if call else (),
            broadcast,
            v.AppendLogEntries(log.snapshot_position, entries) if write else None,
            tuple([v.SendMessage(peer, reply) for peer in to]) if replies else (),
        )
        if isinstance(role, v.Candidate):
            pending = pending._replace(calls=())
        return Member(node, callers_only(pending, node), Disk(1))


def out_of_order(member: Member) -> str:
    """What the actions that a server owes are, one after another, if that is not as it should be,
    or is not what a drain of the specification is.
    """
    whole, node = drain(member)
    taken: list[v.Action] = []
    ranks = []
    while member.pending != NOTHING:
        ran = first_action(member)
        done = [one.action for one in ran.turn.executed]
        ranks.append(rank(done[0]))
        taken += done
        member = ran.after
    if ranks == sorted(ranks) and (tuple(taken), member.node) == (whole, node):
        return ""
    return ", ".join(RANKS[one] for one in ranks)
