"""Values of the library as hypothesis makes them, and what the trace format makes of each.

The way there goes by the specification's types: `conformance.trace.plain` knows no others, and so
shares nothing with the codec.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import strategies as st
from pydantic import TypeAdapter

import raftbare as rb
from conformance.observe.observed import Checkpoint
from conformance.subjects.library import LibrarySubject
from conformance.trace import checkpoint as t
from conformance.trace import plain as p
from conformance.trace import vocabulary as w
from raftbare import codec
from spec import values as v

MOST = codec.MAX_INTEGER
SMALL = st.integers(0, 5)
NUMBERS = st.one_of(SMALL, st.sampled_from([127, 128, 2**14, 2**63, MOST]), st.integers(0, MOST))
POSITIVE = st.integers(1, 300) | st.integers(1, MOST)
NODES = NUMBERS.map(rb.NodeId)
TERMS = NUMBERS.map(rb.Term)
INDICES = NUMBERS.map(rb.LogIndex)
SEQNOS = NUMBERS.map(rb.MessageSeqNo)
IDS = st.frozensets(NODES, max_size=4)
POSITIONS = st.builds(rb.LogPosition, TERMS, INDICES)
CONFIGS = st.builds(rb.ClusterConfig, IDS, IDS, IDS)
LIMITS = st.just(rb.Limits()) | st.builds(
    rb.Limits, POSITIVE, POSITIVE, POSITIVE, st.none() | POSITIVE
)


@st.composite
def entries(draw: st.DrawFn, index: st.SearchStrategy[int] = NUMBERS) -> rb.LogEntries:
    made = rb.LogEntries(rb.LogPosition(draw(TERMS), rb.LogIndex(draw(index))))
    for kind in draw(st.lists(st.sampled_from(["term", "config", "commands"]), max_size=5)):
        if kind == "term":
            made.push(rb.TermEntry(rb.Term(draw(st.integers(made.last_position.term, MOST)))))
        elif kind == "config":
            made.push(rb.ConfigEntry(draw(CONFIGS)))
        else:
            for _ in range(draw(st.integers(1, 4))):
                made.push(rb.CommandEntry())
    return made


LOGS = st.builds(rb.Log, CONFIGS, entries(SMALL))
HEADERS = st.builds(rb.MessageHeader, NODES, TERMS, SEQNOS)
MESSAGES: st.SearchStrategy[rb.Message] = st.one_of(
    st.builds(rb.RequestVoteCall, HEADERS, POSITIONS, st.booleans()),
    st.builds(rb.RequestVoteReply, HEADERS, st.booleans()),
    st.builds(rb.AppendEntriesCall, HEADERS, INDICES, entries()),
    st.builds(rb.AppendEntriesReply, HEADERS, POSITIONS, st.booleans()),
)
PEERS = IDS.map(sorted).map(tuple)
SAVE_TERM, SAVE_VOTE = rb.SaveCurrentTerm(), rb.SaveVotedFor()
OTHERS: st.SearchStrategy[rb.Action] = st.one_of(
    st.just(rb.SetElectionTimeout()),
    st.builds(rb.AppendLogEntries, entries()),
    st.builds(rb.SendMessage, NODES, MESSAGES),
    st.builds(rb.InstallSnapshot, NODES),
)
ACTIONS: st.SearchStrategy[codec.Executed] = st.one_of(
    TERMS.map(lambda term: codec.Executed(SAVE_TERM, term)),
    (st.none() | NODES).map(lambda vote: codec.Executed(SAVE_VOTE, voted_for=vote)),
    st.tuples(MESSAGES, PEERS).map(
        lambda both: codec.Executed(rb.BroadcastMessage(both[0]), peers=both[1])
    ),
    OTHERS.map(lambda action: codec.Executed(action)),
)
DISKS = st.builds(codec.Disk, TERMS, st.none() | NODES, LOGS)


@st.composite
def checkpoints(draw: st.DrawFn) -> codec.Checkpoint:
    role, log = draw(st.sampled_from(rb.Role)), draw(LOGS)
    inside = st.integers(0, log.last_position.index).map(rb.LogIndex)
    leader = {rb.Role.FOLLOWER: st.none() | NODES, rb.Role.CANDIDATE: st.none()}.get(role, NODES)
    made = codec.Checkpoint(
        role,
        draw(TERMS),
        draw(st.none() | NODES),
        draw(leader),
        log,
        draw(inside),
        draw(SEQNOS),
        tuple(draw(st.lists(ACTIONS, max_size=2))),
        draw(DISKS),
        draw(LIMITS),
    )
    if role is rb.Role.CANDIDATE:
        return made._replace(granted_votes=draw(IDS), transfer=draw(st.booleans()))
    if role is rb.Role.LEADER:
        progress = st.builds(
            codec.Peer, NODES, inside, st.none() | inside, SEQNOS, SEQNOS, st.booleans(), SEQNOS
        )
        peers = {peer.node: peer for peer in draw(st.lists(progress, max_size=3))}
        return made._replace(
            peers=tuple([peers[node] for node in sorted(peers)]),
            durable=draw(inside),
            transfer_target=draw(st.none() | NODES),
        )
    return made


# As the trace format has them

SUBJECT = LibrarySubject(rb)


def position_to_spec(position: rb.LogPosition) -> v.Position:
    return v.Position(position.term, position.index)


def limits_to_spec(limits: rb.Limits) -> v.Limits:
    return v.Limits(limits.entries, limits.calls, limits.ask_again, limits.uncommitted)


def action_to_spec(executed: codec.Executed) -> v.Action:
    """What an action speaks of is looked up where a node has it, and `Executed` has it so."""
    return SUBJECT.action_to_spec(executed, executed.action)


def disk_to_spec(disk: codec.Disk) -> v.Restart:
    return v.Restart(disk.current_term, disk.voted_for, SUBJECT.log_to_spec(disk.log))


def checkpoint_to_spec(made: codec.Checkpoint) -> Checkpoint:
    role: v.Role = v.Follower(made.leader)
    if made.role is rb.Role.CANDIDATE:
        role = v.Candidate(made.granted_votes, made.transfer)
    elif made.role is rb.Role.LEADER:
        peers = tuple([v.Progress(*peer) for peer in made.peers])
        role = v.Leader(peers, made.durable, made.transfer_target)
    node = v.Node(
        made.leader or 0,
        role,
        made.current_term,
        made.voted_for,
        SUBJECT.log_to_spec(made.log),
        made.commit_index,
        made.seqno,
        limits_to_spec(made.limits),
    )
    return Checkpoint(node, tuple(map(action_to_spec, made.pending)), disk_to_spec(made.disk))


@dataclass(frozen=True)
class Kind:
    """A kind of values, and how the trace format writes and reads it."""

    codec: codec.Codec[Any]
    values: st.SearchStrategy[Any]
    plain: Callable[[Any], p.Plain]
    model: Callable[[str], object]
    """Reads JSON; ValueError for what the format does not allow."""

    def json(self, value: Any) -> str:
        return json.dumps(self.plain(value))


def plain_entries(made: rb.LogEntries) -> p.Plain:
    prev = position_to_spec(made.prev_position)
    entries = p.plain_entries(prev.term, SUBJECT.entries_to_spec(made))
    return {"prev_position": p.plain_position(prev), "entries": entries}


def entries_model(text: str) -> object:
    """There is no model of entries alone, so they are read as the action that writes them."""
    read = json.loads(text)
    if isinstance(read, dict):
        if "type" in read:
            raise ValueError("entries have no type")
        read["type"] = "append_log_entries"
    return w.AppendLogEntries.model_validate_json(json.dumps(read))


def adapter(kind: Any) -> Callable[[str], object]:
    return cast("Callable[[str], object]", TypeAdapter(kind).validate_json)


KINDS = {
    "message": Kind(
        codec.MESSAGE,
        MESSAGES,
        lambda value: p.plain_message(SUBJECT.message_to_spec(value)),
        adapter(w.Message),
    ),
    "position": Kind(
        codec.POSITION,
        POSITIONS,
        lambda value: p.plain_position(position_to_spec(value)),
        adapter(w.Position),
    ),
    "config": Kind(
        codec.CONFIG,
        CONFIGS,
        lambda value: p.plain_config(SUBJECT.config_to_spec(value)),
        adapter(w.Config),
    ),
    "entries": Kind(codec.ENTRIES, entries(), plain_entries, entries_model),
    "log": Kind(
        codec.LOG,
        LOGS,
        lambda value: p.plain_log(SUBJECT.log_to_spec(value)),
        adapter(w.Log),
    ),
    "limits": Kind(
        codec.LIMITS, LIMITS, lambda value: limits_to_spec(value)._asdict(), adapter(w.Limits)
    ),
    "action": Kind(
        codec.ACTION,
        ACTIONS,
        lambda value: p.plain_action(action_to_spec(value)),
        adapter(w.Action),
    ),
    "disk": Kind(
        codec.DISK,
        DISKS,
        lambda value: p.plain_disk(disk_to_spec(value)),
        adapter(t.Disk),
    ),
    "checkpoint": Kind(
        codec.CHECKPOINT,
        checkpoints(),
        lambda value: p.plain_snapshot(checkpoint_to_spec(value)),
        adapter(t.Snapshot),
    ),
}
"""In the order of their numbers."""
