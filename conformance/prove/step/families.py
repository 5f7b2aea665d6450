"""Which servers and events the equivalence of specification and library is proved for.

Not the product of everything: what a handler does not read cannot interact with what it does.  For
each event, what is multiplied with what.  A *word* is a list of entries by their kinds, a letter
each: `t` begins a term, `c` is a command, `k` a configuration (`shapes`).

- **AppendEntries call**: every word of the log with every word of the call (§5.3 compares their
  terms; a configuration is only cut off or carried over with its entry, so where the two have more
  than four entries together only sampled words carry one).  A short log and call with every role
  and vote, of which only the role's kind is read, and with everything that may be owed: a reply
  to the sender gives way, one to others and flags stay, a new term voids them and calls.  An owed
  write, which joins with the new one by where both begin, with every such log and call at two
  entries.
- **AppendEntries reply**, one that accepts and one that refuses: what is sent next reads the log,
  the peer's progress and, for one that was not sent all, the limits; commitment reads the progress
  of the voters, the configurations of the log, and, where a joint one is left or the leader steps
  down, the owed calls, broadcast and write.  The two share the commit index, which is unknown in
  both.
- **RequestVote call, reply**: of the log only the last position is read, and by a new leader the
  configuration in force; so short logs, with all votes, roles, sets of granted votes.
- **Timeouts, proposals, heartbeats**: the configuration in force and the one before it; the owed
  broadcast and write, which the new ones join or do not; the limit of what is uncommitted; owed
  calls to who is left out of a configuration.
- **Leadership given up**: the configuration in force, and the flag; a node that is told to campaign
  reads what a timeout does, and the term that it is told.
- **Snapshots**: every word of the log with the configuration of any of its places or another one,
  each role; owed writes, which lose what is covered, and calls, which may begin there then.
- **Coming up** and **creating a cluster** read what they are handed.
- **A drain** takes what is owed in a fixed order, one by one; then the leader's own copy counts,
  which is the commitment of a reply once more.  Calls are made in it: to one follower from every
  next index of every word, a broadcast with a write that begins at every place, both with limits
  that cut them short; and for a few words all of it together, with two followers, of whom either
  may be behind.

What an owed reply says is carried along unread, whatever the event.
"""

from __future__ import annotations

from conformance.prove.runner.obligation import Level
from conformance.prove.step.family import Family
from conformance.prove.step.family_inputs import (
    coming_up,
    drains,
    handovers,
    proposals,
    snapshots,
    timeouts,
)
from conformance.prove.step.family_messages import append_calls, append_replies, votes


def families(level: Level) -> list[Family]:
    """All of a level's, in a fixed order."""
    full = level != "quick"
    return [
        one
        for part in (
            append_calls(full),
            append_replies(full),
            votes(full),
            timeouts(full),
            handovers(full),
            proposals(full),
            snapshots(full),
            coming_up(full),
            drains(full),
        )
        for one in part
    ]
