"""What becomes of a write that is owed already when another one is owed.

A step's proof takes for granted that two writes are one, which begins at the earlier place and ends
with the log.  So it does not have to be made once more for every place where an owed one may begin.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.events import any_vote
from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.statements.views import Before
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.pending import NOTHING, owe


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
