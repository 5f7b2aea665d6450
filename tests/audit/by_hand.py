"""Recordings written by hand, for the safety audit.

All go on from the same short story: node 0 founds a cluster of three, is elected by node 1, and
commits; node 2 hears nothing of it.
"""

from __future__ import annotations

from typing import Any

from spec import values as v
from tests.support.tape import Tape

ALL = v.Config(frozenset({0, 1, 2}))
FOUNDING, OPENING, COMMANDED = v.Entry(0, ALL), v.Entry(1, v.TERM), v.Entry(1, v.COMMAND)
FIRST, SECOND, THIRD = v.Position(0, 1), v.Position(1, 2), v.Position(1, 3)
LOG = v.new_log(entries=(FOUNDING, OPENING))


def vote_reply(node: v.NodeId, to: v.NodeId, term: int, granted: bool = True) -> v.SendMessage:
    return v.SendMessage(to, v.RequestVoteReply(node, term, 1, granted))


def append_reply(
    node: v.NodeId, to: v.NodeId, last: v.Position, seqno: int = 2, term: int = 1
) -> v.SendMessage:
    return v.SendMessage(to, v.AppendEntriesReply(node, term, seqno, last))


ASKED = v.RequestVoteCall(0, 1, 1, FIRST)
OPENED = v.AppendEntriesCall(0, 1, 2, 0, v.ZERO, (FOUNDING, OPENING))
BEAT = v.AppendEntriesCall(0, 1, 3, 2, SECOND, ())


def short_story() -> Tape:
    """Ends with node 0 at seq 5 and node 1 at seq 4, both with index 2 committed; node 2 at 1."""
    tape = Tape()
    for node in range(3):
        tape.add(node, v.Start())
    tape.add(
        0,
        v.CreateCluster(ALL.voters),
        v.SaveCurrentTerm(1),
        v.SaveVotedFor(0),
        v.BroadcastMessage(ASKED, (1, 2)),
        v.AppendLogEntries(v.ZERO, (FOUNDING,)),
        outcome=FIRST,
        role="candidate",
        current_term=1,
        voted_for=0,
        last_position=FIRST,
        config=ALL,
    )
    vote = (v.SaveCurrentTerm(1), v.SaveVotedFor(0), vote_reply(1, 0, 1))
    tape.receive(1, ASKED, *vote, current_term=1, voted_for=0)
    tape.receive(
        0,
        v.RequestVoteReply(1, 1, 1, True),
        v.BroadcastMessage(OPENED, (1, 2)),
        v.AppendLogEntries(FIRST, (OPENING,)),
        role="leader",
        last_position=SECOND,
    )
    tape.receive(
        1,
        OPENED,
        v.AppendLogEntries(v.ZERO, (FOUNDING, OPENING)),
        append_reply(1, 0, SECOND),
        last_position=SECOND,
        config=ALL,
    )
    tape.receive(0, v.AppendEntriesReply(1, 1, 2, SECOND), commit_index=2)
    tape.add(0, v.Heartbeat(), v.BroadcastMessage(BEAT, (1, 2)), outcome=True)
    return tape.receive(1, BEAT, append_reply(1, 0, SECOND, 3), commit_index=2)


def restart(tape: Tape, node: v.NodeId, disk: v.Restart, **changes: Any) -> Tape:
    shown: dict[str, Any] = {
        "role": "follower",
        "current_term": disk.current_term,
        "voted_for": disk.voted_for,
        "commit_index": disk.log.snapshot_position.index,
        "last_position": disk.log.last_position,
        "snapshot_position": disk.log.snapshot_position,
        "config": disk.log.config,
    }
    return tape.add(node, disk, **(shown | changes))


def lead(
    tape: Tape, node: v.NodeId, term: int, prev: v.Position, *before: v.Action, **shown: Any
) -> Tape:
    """The node becomes leader of a term in two records; nobody's recording has the vote."""
    last = v.Position(term, prev.index + 1)
    tape.add(node, v.ElectionTimeout(), v.SaveCurrentTerm(term), v.SaveVotedFor(node), *before,
             role="candidate", current_term=term, voted_for=node,
             last_position=prev if before else tape.states[node].last_position,
             **shown)  # fmt: skip
    vote = v.RequestVoteReply(0 if node == 1 else 1, term, 1, True)
    opening = v.AppendLogEntries(prev, (v.Entry(term, v.TERM),))
    return tape.receive(node, vote, opening, role="leader", last_position=last)
