"""What becomes of what is owed already: a write or a call when another one is owed, a call when the
log is compacted.

A step's proof takes for granted that two writes are one, which begins at the earlier place and ends
with the log; and that a call made of two claims no more than is true.  So it does not have to be
made once more for every place where an owed one may begin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.events import Happening, Ran, any_disk, any_vote, call
from conformance.prove.induction.messages import as_claim
from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.statements.views import ACTOR, SENDER, Before
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Member, Rule, Turn
from spec.pending import NOTHING, Pending, compact, owe


def merged_calls(actor: Actor, earlier: Window, later: Window, to_all: bool) -> Happening:
    """A leader owes a call, to all or to one, and then another one."""
    node = actor.node("leader", None, any_vote(actor))
    one = call(actor, "earlier", ACTOR, node.current_term, earlier)
    other = call(actor, "later", ACTOR, node.current_term, later)
    owed = Pending(broadcast=one) if to_all else Pending(sends=(v.SendMessage(SENDER, one),))
    action = v.BroadcastMessage(other) if to_all else v.SendMessage(SENDER, other)
    return standing(actor, node, owed, lambda: owe(owed, (action,)), one, other)


def compacted_call(actor: Actor, message: Window, to_all: bool) -> Happening:
    """A leader owes a call, and its log begins with a snapshot now."""
    node = actor.node("leader", Window("snapshot", 0), any_vote(actor))
    one = call(actor, "owed", ACTOR, node.current_term, message)
    owed = Pending(broadcast=one) if to_all else Pending(sends=(v.SendMessage(SENDER, one),))
    snapshot = actor.paths.term(node.log.snapshot_position.index)
    actor.hints.append(actor.before.tlog(actor.server.term, snapshot))
    return standing(actor, node, owed, lambda: compact(owed, node.log), one)


def standing(
    actor: Actor,
    node: v.Node,
    owed: Pending,
    becomes: Callable[[], Pending],
    *calls: v.AppendEntriesCall,
) -> Happening:
    """Nothing happens but that what is owed becomes something else."""
    actor.member = member = Member(node, owed, any_disk(actor))

    def run(rule: Rule) -> Ran:
        after = member._replace(pending=becomes())
        return Ran(Turn(member, after), after)

    return Happening(run, [(as_claim(actor, one, SENDER), True) for one in calls])


@dataclass(frozen=True, slots=True)
class MergedWrites:
    """For a log of some shape, and so many entries that the later write brings."""

    size: int
    log: Window
    entries: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        paths = Paths(limit=20_000)
        actor = Actor(paths, Before(self.size))
        log = actor.node("any", self.log, any_vote(actor)).log
        first, last = log.snapshot_position.index, log.last_index
        owed_from, from_ = actor.number("owed_from"), actor.number("from")
        for index in (owed_from, from_):
            actor.ascending(first, index, last)
        new = actor.entries("new", self.entries, 0, actor.number("most"))

        def merges() -> bool:
            earlier = v.AppendLogEntries(log.position(owed_from), log.after(owed_from))
            later = v.AppendLogEntries(log.position(from_), new)
            after = log.truncated(from_).appended(new)
            begins = min(owed_from, from_)
            alone = owe(NOTHING, (later,)).append
            both = owe(NOTHING._replace(append=earlier), (later,)).append
            whole = v.AppendLogEntries(v.Position(log.term(begins), begins), after.after(begins))
            return alone == later and both == whole

        for path in paths.run(merges):
            result.paths += 1
            if path.raised is not None:
                raise path.raised
            if not path.result:
                result.result = "refuted"
                result.detail = f"{self.log}: a write of {self.entries} entries is merged wrongly"
        result.live = result.paths
        result.queries = paths.queries
        return result
