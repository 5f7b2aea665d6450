"""Recordings written by hand, for the safety audit.

All go on from the same short story: node 0 founds a cluster of three, is elected by node 1, and
commits; node 2 hears nothing of it.
"""

from __future__ import annotations

from typing import Any

from conformance.audit.safety.audit import SafetyAudit
from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from spec.values import (
    COMMAND,
    NO_CONFIG,
    TERM,
    ZERO,
    Action,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Config,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Event,
    Heartbeat,
    Message,
    NodeId,
    Outcome,
    Position,
    Receive,
    RequestVoteCall,
    RequestVoteReply,
    Restart,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    Start,
    new_log,
)

ALL = Config(frozenset({0, 1, 2}))
FOUNDING, OPENING, COMMANDED = Entry(0, ALL), Entry(1, TERM), Entry(1, COMMAND)
FIRST, SECOND, THIRD = Position(0, 1), Position(1, 2), Position(1, 3)
LOG = new_log(entries=(FOUNDING, OPENING))
NEW = Observed("follower", 0, None, 0, ZERO, ZERO, NO_CONFIG)


class Tape:
    """A recording as it is being made; a state is what the node showed before, with changes."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self.states: dict[NodeId, Observed] = {}

    def add(
        self,
        node: NodeId,
        event: Event | Checkpoint,
        *actions: Action,
        outcome: Outcome = None,
        drained: bool = True,
        **changes: Any,
    ) -> Tape:
        state = self.states.get(node, NEW)._replace(**changes)
        seq = 1 + sum(record.node == node for record in self.records)
        executed = actions if drained else None
        self.records.append(Recorded(node, seq, event, outcome, executed, state))
        self.states[node] = state
        return self

    def receive(self, node: NodeId, message: Message, *actions: Action, **changes: Any) -> Tape:
        return self.add(node, Receive(message), *actions, **changes)

    def found(self, complete: bool = True) -> list[tuple[str, NodeId | None, int | None]]:
        audit = SafetyAudit(complete)
        for record in self.records:
            audit.add(record)
        return [(found.property, found.node, found.seq) for found in audit.finish()]


def told(node: NodeId, to: NodeId, term: int, granted: bool = True) -> SendMessage:
    return SendMessage(to, RequestVoteReply(node, term, 1, granted))


def reported(
    node: NodeId, to: NodeId, last: Position, seqno: int = 2, term: int = 1
) -> SendMessage:
    return SendMessage(to, AppendEntriesReply(node, term, seqno, last))


ASKED = RequestVoteCall(0, 1, 1, FIRST)
OPENED = AppendEntriesCall(0, 1, 2, 0, ZERO, (FOUNDING, OPENING))
BEAT = AppendEntriesCall(0, 1, 3, 2, SECOND, ())


def short_story() -> Tape:
    """Ends with node 0 at seq 5 and node 1 at seq 4, both with index 2 committed; node 2 at 1."""
    tape = Tape()
    for node in range(3):
        tape.add(node, Start())
    tape.add(
        0,
        CreateCluster(ALL.voters),
        SaveCurrentTerm(1),
        SaveVotedFor(0),
        BroadcastMessage(ASKED, (1, 2)),
        AppendLogEntries(ZERO, (FOUNDING,)),
        outcome=FIRST,
        role="candidate",
        current_term=1,
        voted_for=0,
        last_position=FIRST,
        config=ALL,
    )
    vote = (SaveCurrentTerm(1), SaveVotedFor(0), told(1, 0, 1))
    tape.receive(1, ASKED, *vote, current_term=1, voted_for=0)
    tape.receive(
        0,
        RequestVoteReply(1, 1, 1, True),
        BroadcastMessage(OPENED, (1, 2)),
        AppendLogEntries(FIRST, (OPENING,)),
        role="leader",
        last_position=SECOND,
    )
    tape.receive(
        1,
        OPENED,
        AppendLogEntries(ZERO, (FOUNDING, OPENING)),
        reported(1, 0, SECOND),
        last_position=SECOND,
        config=ALL,
    )
    tape.receive(0, AppendEntriesReply(1, 1, 2, SECOND), commit_index=2)
    tape.add(0, Heartbeat(), BroadcastMessage(BEAT, (1, 2)), outcome=True)
    return tape.receive(1, BEAT, reported(1, 0, SECOND, 3), commit_index=2)


def restart(tape: Tape, node: NodeId, disk: Restart, **changes: Any) -> Tape:
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


def lead(tape: Tape, node: NodeId, term: int, prev: Position, *before: Action) -> Tape:
    """The node becomes leader of a term, without any vote being recorded."""
    opening = (Entry(term, TERM),)
    last = Position(term, prev.index + 1)
    tape.add(node, ElectionTimeout(), SaveCurrentTerm(term), SaveVotedFor(node), *before,
             AppendLogEntries(prev, opening), role="leader", current_term=term, voted_for=node,
             last_position=last)  # fmt: skip
    return tape
