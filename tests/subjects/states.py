"""A follower, a candidate and a leader, each with as much in it as it may have."""

from __future__ import annotations

from spec import values as v
from spec.pending import NOTHING, Pending

CONFIG = v.Config(frozenset({0, 1, 2}), frozenset({0, 3}), frozenset({4}))
LOG = v.new_log(
    v.Position(1, 3),
    v.Config(frozenset({0, 1})),
    (v.Entry(2, v.TERM), v.Entry(2, CONFIG), v.Entry(2, v.COMMAND), v.Entry(4, v.TERM)),
)
FOLLOWING = v.Node(0, v.Follower(2), 4, 2, LOG, 4, 3)
CAMPAIGNING = v.Node(0, v.Candidate(frozenset({0, 2})), 5, 0, LOG, 4, 3)
PEERS = (v.Progress(1, 4, 6, 2, 0, True, 1), v.Progress(2), v.Progress(3, 7), v.Progress(4))
LEADING = v.Node(0, v.Leader(PEERS, 5, 1), 4, 0, LOG, 4, 3)
WRITE = v.AppendLogEntries(v.Position(2, 5), LOG.after(5))
REPLY = v.SendMessage(2, v.AppendEntriesReply(0, 4, 7, LOG.last_position, True))
OWED = Pending(True, False, True, (1, 3), True, WRITE, (REPLY,))
STATES = [(FOLLOWING, Pending(sends=(REPLY,))), (CAMPAIGNING, NOTHING), (LEADING, OWED)]
