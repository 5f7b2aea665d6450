"""In which order what is owed is executed, on which the cases of a drain rest.

Each of these owes one action, and takes it for granted that those before it are done.  Which ones
come first is the specification's to say, whatever is owed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

from conformance.prove.induction.drains import without_first
from conformance.prove.runner.obligation import Result, Subjects
from spec import values as v
from spec.cluster import Disk, Member, drain, execute
from spec.pending import NOTHING, Pending

RANKS: Final = (
    v.SetElectionTimeout,
    v.SaveCurrentTerm,
    v.SaveVotedFor,
    v.BroadcastMessage,
    v.AppendLogEntries,
    v.SendMessage,
    v.InstallSnapshot,
)
"""What the cases of a drain assume: the term first, then the vote, what is sent to all, the log."""


@dataclass(frozen=True, slots=True)
class InOrder:
    """Whatever is owed together, on plain integers: what an action is, its numbers do not say."""

    size: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        for owed in product((False, True), repeat=len(RANKS)):
            member = self.owing(*owed)
            whole, _ = drain(member)
            taken: list[v.Action] = []
            while member.pending != NOTHING:
                turn = execute(member, 1)
                taken += [done.action for done in turn.executed]
                left = without_first(member.pending)
                member = member._replace(pending=left, disk=turn.after.disk)
            result.paths += 1
            ranks = [RANKS.index(type(action)) for action in whole]
            if ranks != sorted(ranks) or tuple(taken) != whole:
                names = ", ".join(RANKS[rank].__name__ for rank in ranks)
                result.result, result.detail = "refuted", f"executed in the order {names}"
                break
        result.live = result.paths
        return result

    def owing(self, *owed: bool) -> Member:
        """A server that owes these, in the order of `RANKS`."""
        timeout, term, vote, broadcast, write, sends, installs = owed
        config = v.Config(frozenset(range(self.size)))
        entries = (v.Entry(0, config), v.Entry(1, "term"))
        node = v.Node(0, v.Follower(), 2, 0, v.new_log(entries=entries))
        to = tuple(range(1, self.size))
        reply = v.AppendEntriesReply(0, 2, 1, node.log.last_position)
        pending = Pending(
            timeout,
            term,
            vote,
            v.RequestVoteCall(0, 2, 1, node.log.last_position) if broadcast else None,
            v.AppendLogEntries(v.ZERO, entries) if write else None,
            tuple([v.SendMessage(peer, reply) for peer in to]) if sends else (),
            to if installs else (),
        )
        return Member(node, pending, Disk(1))
