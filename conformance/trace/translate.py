"""The one translation between the trace's models and the specification's values.

`..._to_spec` makes spec values of models, `..._from_spec` models of spec values.  The latter way
goes by `conformance.trace.plain`, whose `record_line` makes JSON without any model.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat

from pydantic import TypeAdapter

from conformance.observe.observed import Checkpoint, Observed, Told, told
from conformance.trace import model as t
from conformance.trace.plain import (
    answer_line,
    plain_action,
    plain_config,
    plain_entries,
    plain_event,
    plain_log,
    plain_message,
    plain_outcome,
    plain_position,
    plain_state,
    record_line,
    request_line,
)
from spec import values as v

__all__ = [
    "Checkpoint",
    "Observed",
    "Told",
    "action_from_spec",
    "action_to_spec",
    "actions_to_spec",
    "answer_line",
    "checkpoint_from_spec",
    "checkpoint_to_spec",
    "config_from_spec",
    "config_to_spec",
    "entries_from_spec",
    "entries_to_spec",
    "event_from_spec",
    "event_to_spec",
    "log_from_spec",
    "log_to_spec",
    "message_from_spec",
    "message_to_spec",
    "outcome_from_spec",
    "outcome_to_spec",
    "position_from_spec",
    "position_to_spec",
    "record_line",
    "request_line",
    "state_from_spec",
    "state_to_spec",
    "told",
]


# To the specification


def position_to_spec(position: t.Position) -> v.Position:
    return v.Position(position.term, position.index)


def config_to_spec(config: t.Config) -> v.Config:
    return v.Config(
        frozenset(config.voters), frozenset(config.new_voters), frozenset(config.non_voters)
    )


@lru_cache(maxsize=1024)
def _command(term: v.Term) -> v.Entry:
    return v.Entry(term, v.COMMAND)


def entries_to_spec(term: v.Term, items: t.Entries) -> tuple[v.Entry, ...]:
    """The entries that follow one of `term`; all the commands of a term are one object."""
    entries: list[v.Entry] = []
    for item in items:
        if type(item) is t.Commands:
            entries.extend(repeat(_command(term), item.commands))
        elif type(item) is t.TermEntry:
            if item.term < term:
                raise ValueError(f"an entry of term {item.term} after one of term {term}")
            term = item.term
            entries.append(v.Entry(term, v.TERM))
        elif type(item) is t.ConfigEntry:
            entries.append(v.Entry(term, config_to_spec(item.config)))
        else:
            entries.append(_command(term))
    return tuple(entries)


def log_to_spec(log: t.Log) -> v.Log:
    position = position_to_spec(log.snapshot_position)
    entries = entries_to_spec(position.term, log.entries)
    return v.new_log(position, config_to_spec(log.snapshot_config), entries)


def message_to_spec(message: t.Message) -> v.Message:
    sender, term, seqno = message.sender, message.term, message.seqno
    if message.type == "append_entries_call":
        prev = position_to_spec(message.prev_position)
        entries = entries_to_spec(prev.term, message.entries)
        return v.AppendEntriesCall(sender, term, seqno, message.commit_index, prev, entries)
    if message.type == "append_entries_reply":
        return v.AppendEntriesReply(sender, term, seqno, position_to_spec(message.last_position))
    if message.type == "request_vote_call":
        return v.RequestVoteCall(sender, term, seqno, position_to_spec(message.last_position))
    return v.RequestVoteReply(sender, term, seqno, message.vote_granted)


def action_to_spec(action: t.Action) -> v.Action:
    if action.type == "set_election_timeout":
        return v.SetElectionTimeout()
    if action.type == "save_current_term":
        return v.SaveCurrentTerm(action.term)
    if action.type == "save_voted_for":
        return v.SaveVotedFor(action.voted_for)
    if action.type == "broadcast_message":
        return v.BroadcastMessage(message_to_spec(action.message), action.to)
    if action.type == "append_log_entries":
        prev = position_to_spec(action.prev_position)
        return v.AppendLogEntries(prev, entries_to_spec(prev.term, action.entries))
    if action.type == "send_message":
        return v.SendMessage(action.to, message_to_spec(action.message))
    return v.InstallSnapshot(action.to)


def actions_to_spec(actions: t.Actions | None) -> tuple[v.Action, ...] | None:
    """None where nothing was drained."""
    return None if actions is None else tuple(map(action_to_spec, actions))


def event_to_spec(event: t.Event) -> v.Event:
    """ValueError for a checkpoint, which is no event; see `checkpoint_to_spec`."""
    if event.kind == "message":
        return v.Receive(message_to_spec(event.message))
    if event.kind == "propose_command":
        return v.ProposeCommand()
    if event.kind == "election_timeout":
        return v.ElectionTimeout()
    if event.kind == "heartbeat":
        return v.Heartbeat()
    if event.kind == "restart":
        return v.Restart(event.current_term, event.voted_for, log_to_spec(event.log))
    if event.kind == "snapshot_installed":
        position = position_to_spec(event.position)
        return v.SnapshotInstalled(position, config_to_spec(event.config))
    if event.kind == "propose_config":
        return v.ProposeConfig(config_to_spec(event.config))
    if event.kind == "create_cluster":
        return v.CreateCluster(frozenset(event.voters))
    if event.kind == "start":
        return v.Start()
    raise ValueError("a checkpoint is nothing that happens to a node")


def checkpoint_to_spec(node: v.NodeId, event: t.Checkpoint) -> Checkpoint:
    snapshot, disk = event.snapshot, event.snapshot.disk
    role: v.Role
    if snapshot.role == "follower":
        role = v.Follower(snapshot.leader)
    elif snapshot.role == "candidate":
        role = v.Candidate(frozenset(snapshot.granted))
    else:
        peers = tuple(v.Progress(peer.node, peer.match, peer.seqno) for peer in snapshot.peers)
        role = v.Leader(peers, snapshot.durable)
    state = v.Node(
        node,
        role,
        snapshot.current_term,
        snapshot.voted_for,
        log_to_spec(snapshot.log),
        snapshot.commit_index,
        snapshot.seqno,
    )
    return Checkpoint(
        state,
        tuple(map(action_to_spec, snapshot.pending)),
        v.Restart(disk.current_term, disk.voted_for, log_to_spec(disk.log)),
    )


_PROPOSALS = ("create_cluster", "propose_command", "propose_config")


def outcome_to_spec(event: t.Event, outcome: t.Outcome) -> Told:
    """Compare it with `told` of the specification's outcome."""
    if outcome is None:
        return False if event.kind in _PROPOSALS else None
    return outcome if isinstance(outcome, bool) else position_to_spec(outcome)


def state_to_spec(state: t.State) -> Observed:
    return Observed(
        state.role,
        state.current_term,
        state.voted_for,
        state.commit_index,
        position_to_spec(state.last_position),
        position_to_spec(state.snapshot_position),
        config_to_spec(state.config),
        state.leader,
        "leader" in state.model_fields_set,
    )


# From the specification.  The values are checked on the way: ValueError for one that no trace has.

_EVENT: TypeAdapter[t.Input] = TypeAdapter(t.InputEvent)
_MESSAGE: TypeAdapter[t.Message] = TypeAdapter(t.Message)
_ACTION: TypeAdapter[t.Action] = TypeAdapter(t.Action)
_ENTRIES: TypeAdapter[t.Entries] = TypeAdapter(t.Entries)


def position_from_spec(position: v.Position) -> t.Position:
    return t.Position.model_validate(plain_position(position))


def config_from_spec(config: v.Config) -> t.Config:
    return t.Config.model_validate(plain_config(config))


def entries_from_spec(term: v.Term, entries: v.Entries) -> t.Entries:
    """The entries that follow one of `term`."""
    return _ENTRIES.validate_python(plain_entries(term, entries))


def log_from_spec(log: v.Log) -> t.Log:
    return t.Log.model_validate(plain_log(log))


def message_from_spec(message: v.Message) -> t.Message:
    return _MESSAGE.validate_python(plain_message(message))


def action_from_spec(action: v.Action) -> t.Action:
    return _ACTION.validate_python(plain_action(action))


def event_from_spec(event: v.Event) -> t.Input:
    return _EVENT.validate_python(plain_event(event))


def checkpoint_from_spec(checkpoint: Checkpoint) -> t.Checkpoint:
    return t.Checkpoint.model_validate(plain_event(checkpoint))


def outcome_from_spec(event: v.Event | Checkpoint, outcome: v.Outcome) -> t.Outcome:
    """False stands for any refusal, as `outcome_to_spec` gives it."""
    plain = plain_outcome(event, outcome)
    return t.Position.model_validate(plain) if isinstance(plain, dict) else plain


def state_from_spec(state: Observed) -> t.State:
    return t.State.model_validate(plain_state(state))
