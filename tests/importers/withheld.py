"""Recordings of the specification, of which a recorder notes no more than its capabilities say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from conformance.audit.safety.audit import SafetyAudit
from conformance.importers.importer import message
from conformance.observe.finding import Problem
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.observe.recorded import Recorder as Notes
from conformance.simulation.episode import first_finding
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.trace.moments import Capabilities, Moment, SeenMessage
from conformance.trace.vocabulary import Position
from spec import values as v
from tests.support import single_step

CALLS = ("request_vote_call", "append_entries_call", "heartbeat_call")
REPLIES = ("request_vote_reply", "append_entries_reply", "heartbeat_reply")


def changes_in_one_step(episode: int) -> bool:
    return episode % 3 == 0


def simulated(episode: int) -> list[Recorded]:
    """What the specification does, in a network that takes a message whole or not at all.

    Every third is of the like that changes voters in one step.
    """
    if changes_in_one_step(episode):
        return single_step.simulated(episode)
    profile = replace(Schedule(5, episode).honest().profile, shorten=0.0)
    schedule, recording = Schedule(5, episode, profile=profile), Notes()
    assert first_finding(schedule, Run(profile.nodes, recorder=recording)) is None
    return recording.records


@dataclass(frozen=True)
class Recorder:
    """What is noted; each `shows_...` of the state that moments tell."""

    capabilities: Capabilities
    shows: frozenset[str]
    missing: frozenset[v.NodeId] = frozenset()
    """Nodes of which there is no file."""


def recorder(random: Random, recorded: Iterable[Recorded], changes: str) -> Recorder:
    """Withholds some of what could be noted."""

    def some(of: tuple[str, ...], share: float) -> tuple[str, ...]:
        return tuple(name for name in of if random.random() < share)

    cut = random.random() < 0.5
    capabilities = Capabilities.model_validate(
        {
            "sends": some(CALLS + REPLIES, 0.8),
            "receipts": some(CALLS + REPLIES, 0.85),
            "state": random.choice(("before", "middle", "after")),
            "order": random.choice(("all", "all", "states")),
            "durability": "unknown",
            "entries": random.choice(("terms", "counts")),
            "numbers": False,
            "configuration": "append",
            "changes": changes,
            "votes": random.choice(("stored", "copied", "none")),
            "compared": random.choice(("last", "committable")),
            "complete": not cut,
        }
    )
    fields = ("role", "commit_index", "last_index", "last_term", "voters", "config_index")
    shows = frozenset(some(fields, 0.85)) | {"current_term", "voted_for", "snapshot_position"}
    nodes = sorted({one.node for one in recorded})
    missing = frozenset(node for node in nodes if random.random() < 0.1)
    return Recorder(capabilities, shows, missing)


def acknowledged(recorded: Iterable[Recorded]) -> set[tuple[object, ...]]:
    """The replies that a leader counts: a refusal too, if its log has what the reply tells of."""
    logs: defaultdict[v.NodeId, dict[v.Index, v.Term]] = defaultdict(dict)
    counted: set[tuple[object, ...]] = set()

    def write(log: dict[v.Index, v.Term], prev: v.Position, terms: Iterable[v.Term]) -> None:
        for index in [index for index in log if index > prev.index]:
            del log[index]
        log |= {prev.index: prev.term} | dict(enumerate(terms, prev.index + 1))

    for record in recorded:
        event, log = record.event, logs[record.node]
        if isinstance(event, v.Restart):
            log.clear()
            write(log, event.log.snapshot_position, [one.term for one in event.log.entries])
        told = event.message if isinstance(event, v.Receive) else None
        if isinstance(told, v.AppendEntriesReply):
            last = told.last_position
            if told.accepted or last.index == 0 or log.get(last.index) == last.term:
                counted.add(_name(told, record.node))
        for action in record.actions or ():
            if isinstance(action, v.AppendLogEntries):
                write(log, action.prev_position, [one.term for one in action.entries])
    return counted


def _name(told: v.AppendEntriesReply, to: v.NodeId) -> tuple[object, ...]:
    return told.sender, to, told.term, told.seqno, told.last_position


@dataclass
class _Noting:
    recorder: Recorder
    counted: set[tuple[object, ...]]
    states: dict[v.NodeId, Observed] = field(default_factory=dict)
    seqs: defaultdict[v.NodeId, int] = field(default_factory=lambda: defaultdict(int))

    def moments(self, recorded: Iterable[Recorded]) -> Iterator[Moment]:
        for record in recorded:
            if record.node not in self.recorder.missing:
                yield from self._of(record)

    def _of(self, record: Recorded) -> Iterator[Moment]:
        event, after = record.event, record.state
        caps, before = self.recorder.capabilities, self.states.get(record.node)
        received: SeenMessage | None = None
        if isinstance(event, v.Receive):
            received = self.seen(event.message, event.message.sender, record.node)
            if received.type not in caps.receipts:
                received = None
        sent = []
        for to, told in sends(record):
            one = self.seen(told, record.node, to)
            if one.type in caps.sends:
                sent.append(one)
        came_up = isinstance(event, (v.Start, v.Restart))
        if came_up or before is None:
            before = None
        if caps.state == "after" or before is None:
            changed = None if before is None else place_of_change(record, before)
            yield self._moment(record.node, after, came_up, changed, received, sent)
        else:
            if received is not None:
                yield self._moment(record.node, before, received=received)
            half = after
            if caps.state == "middle" and after.current_term == before.current_term:
                half = after._replace(voted_for=before.voted_for)
            for one in sent:
                yield self._moment(record.node, half, sent=[one])
            yield self._moment(record.node, after, config_index=place_of_change(record, before))
        self.states[record.node] = after

    def _moment(
        self,
        node: v.NodeId,
        state: Observed,
        came_up: bool = False,
        config_index: v.Index | None = None,
        received: SeenMessage | None = None,
        sent: Iterable[SeenMessage] = (),
    ) -> Moment:
        config, snapshot = state.config, state.snapshot_position
        sets = [config.voters, config.new_voters] if config.new_voters else [config.voters]
        told: dict[str, Any] = {
            "role": state.role,
            "current_term": state.current_term,
            "voted_for": state.voted_for,
            "commit_index": state.commit_index,
            "last_index": state.last_position.index,
            "last_term": state.last_position.term,
            "snapshot_position": Position(term=snapshot.term, index=snapshot.index),
            "voters": tuple(tuple(sorted(voters)) for voters in sets),
            "config_index": config_index,
        }
        told = {name: value for name, value in told.items() if name in self.recorder.shows}
        told |= {"came_up": came_up or None, "received": received, "sent": tuple(sent) or None}
        self.seqs[node] += 1
        fields = {name: value for name, value in told.items() if value is not None}
        return Moment(node=node, seq=self.seqs[node], **fields)

    def seen(self, told: v.Message, sender: v.NodeId, to: v.NodeId) -> SeenMessage:
        ends: dict[str, Any] = {"sender": sender, "to": to, "term": told.term}
        match told:
            case v.RequestVoteCall(last_position=last):
                return message(
                    type="request_vote_call", index=last.index, log_term=last.term, **ends
                )
            case v.RequestVoteReply(vote_granted=granted):
                return message(type="request_vote_reply", granted=granted, **ends)
            case v.AppendEntriesReply(last_position=last):
                return message(
                    type="append_entries_reply",
                    index=last.index,
                    granted=_name(told, to) in self.counted,
                    **ends,
                )
            case v.AppendEntriesCall(prev_position=prev, entries=entries):
                with_terms = self.recorder.capabilities.entries == "terms" and len(entries)
                return message(
                    type="append_entries_call",
                    index=prev.index,
                    log_term=prev.term,
                    entries=len(entries),
                    entries_term=list(entries)[-1].term if with_terms else None,
                    commit_index=told.commit_index,
                    **ends,
                )


def place_of_change(record: Recorded, before: Observed) -> v.Index | None:
    """Where a leader puts the configuration with other voters that it is asked for."""
    config, given = record.state.config, record.outcome
    if not isinstance(record.event, v.ProposeConfig) or not isinstance(given, v.Position):
        return None
    changes = config.is_joint or config.voters != before.config.voters
    return given.index if changes else None


def sends(record: Recorded) -> Iterator[tuple[v.NodeId, v.Message]]:
    for action in record.actions or ():
        if isinstance(action, v.SendMessage):
            yield action.to, action.message
        elif isinstance(action, v.BroadcastMessage):
            for to in sorted(action.to):
                yield to, action.message


def noted(recorded: list[Recorded], by: Recorder, random: Random) -> list[Moment]:
    """The moments of a recording; where it is not complete, up to some place."""
    moments = list(_Noting(by, acknowledged(recorded)).moments(recorded))
    if not by.capabilities.complete and moments:
        del moments[random.randrange(len(moments)) + 1 :]
    return moments


def audited(
    moments: Iterable[Moment], capabilities: Capabilities
) -> tuple[list[Problem], SafetyAudit]:
    audit = SafetyAudit(capabilities.complete)
    for moment in moments:
        audit.add_moment(moment, capabilities, "one file")
    return audit.finish(), audit


def whole(random: Random, changes: str) -> Recorder:
    """Notes all that moments can tell of a recording."""
    partial = recorder(random, (), changes)
    capabilities = partial.capabilities.model_copy(
        update={
            "sends": CALLS + REPLIES,
            "receipts": CALLS + REPLIES,
            "votes": "stored",
            "compared": "last",
            "order": "all",
            "complete": True,
        }
    )
    return Recorder(capabilities, frozenset(Moment.model_fields))
