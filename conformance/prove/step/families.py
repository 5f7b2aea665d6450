"""Which servers and events the equivalence of specification and library is proved for.

Not the product of everything: what a handler does not read cannot interact with what it does.  For
each event, what is multiplied with what.  A *word* is a list of entries by their kinds, a letter
each: `t` begins a term, `c` is a command, `k` a configuration (`shapes`).

- **AppendEntries call**: every word of the log with every word of the call (§5.3 compares their
  terms; a configuration is only cut off or carried over with its entry, so where the two have more
  than four entries together only sampled words carry one).  A short log and call with every role
  and vote, of which only the role's kind is read, and with everything that may be owed: a message
  to the sender gives way, one to others and flags stay, a new term voids them.  An owed write,
  which joins with the new one by where both begin, with every such log and call at two entries.
- **AppendEntries reply**: probing reads the log and the call that is owed to the peer; commitment
  reads the progress of the voters, the configurations of the log, and, where a joint one is left,
  the owed broadcast and write.  The two share the commit index, which is unknown in both.
- **RequestVote call, reply**: of the log only the last position is read, and by a new leader the
  configuration in force; so short logs, with all votes, roles, sets of granted votes.
- **Timeouts, proposals, heartbeats**: the configuration in force and the one before it; the owed
  broadcast and write, which the new ones join or do not.
- **Snapshots**: every word of the log with the configuration of any of its places or another one,
  each role; owed calls and writes, which lose what is covered, each by itself with short logs.
- **Coming up** and **creating a cluster** read what they are handed.
- **A drain** takes what is owed in a fixed order, one by one; then the leader's own copy counts,
  which is the commitment of a reply once more.

What an owed message other than a call says is carried along unread, whatever the event.
"""

from __future__ import annotations

from conformance.prove.runner.obligation import Level
from conformance.prove.step.family import Family
from conformance.prove.step.family_inputs import coming_up, drains, proposals, snapshots, timeouts
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
            proposals(full),
            snapshots(full),
            coming_up(full),
            drains(full),
        )
        for one in part
    ]
