"""The trace's models as values of the specification.

The way back goes by `conformance.trace.plain`, which makes lines of JSON without any model.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from typing import Any

import conformance.trace.model as t
import conformance.trace.vocabulary as w
from conformance.observe.observed import Checkpoint, Observed, RecordedOutcome
from spec import values as v


def position_to_spec(position: w.Position) -> v.Position:
    return v.Position(position.term, position.index)


def config_to_spec(config: w.Config) -> v.Config:
    """The same object for the same members, as a rule: most states of a trace show the same."""
    return _config(config.voters, config.new_voters, config.non_voters)


@lru_cache(maxsize=64)
def _config(
    voters: tuple[v.NodeId, ...],
    new_voters: tuple[v.NodeId, ...],
    non_voters: tuple[v.NodeId, ...],
) -> v.Config:
    return v.Config(frozenset(voters), frozenset(new_voters), frozenset(non_voters))


@lru_cache(maxsize=1024)
def _command(term: v.Term) -> v.Entry:
    return v.Entry(term, v.COMMAND)


def entries_to_spec(term: v.Term, items: w.Entries) -> tuple[v.Entry, ...]:
    """The entries that follow one of `term`; all the commands of a term are one object."""
    entries: list[v.Entry] = []
    for item in items:
        if type(item) is w.Commands:
            entries.extend(repeat(_command(term), item.commands))
        elif type(item) is w.TermEntry:
            if item.term < term:
                raise ValueError(f"an entry of term {item.term} after one of term {term}")
            term = item.term
            entries.append(v.Entry(term, v.TERM))
        elif type(item) is w.ConfigEntry:
            entries.append(v.Entry(term, config_to_spec(item.config)))
        else:
            entries.append(_command(term))
    return tuple(entries)


def log_to_spec(log: w.Log) -> v.Log:
    position = position_to_spec(log.snapshot_position)
    entries = entries_to_spec(position.term, log.entries)
    return v.new_log(position, config_to_spec(log.snapshot_config), entries)


def message_to_spec(message: w.Message) -> v.Message:
    sender, term, seqno = message.sender, message.term, message.seqno
    if message.type == "append_entries_call":
        prev = position_to_spec(message.prev_position)
        entries = entries_to_spec(prev.term, message.entries)
        return v.AppendEntriesCall(sender, term, seqno, message.commit_index, prev, entries)
    if message.type == "append_entries_reply":
        last = position_to_spec(message.last_position)
        return v.AppendEntriesReply(sender, term, seqno, last, message.accepted)
    if message.type == "request_vote_call":
        last = position_to_spec(message.last_position)
        return v.RequestVoteCall(sender, term, seqno, last, message.transfer)
    return v.RequestVoteReply(sender, term, seqno, message.vote_granted)


def action_to_spec(action: w.Action) -> v.Action:
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


def actions_to_spec(actions: w.Actions | None) -> tuple[v.Action, ...] | None:
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
    if event.kind == "step_down":
        return v.StepDown()
    if event.kind == "transfer_leadership":
        return v.TransferLeadership(event.to)
    if event.kind == "cancel_transfer":
        return v.CancelTransfer()
    if event.kind == "timeout_now":
        return v.TimeoutNow(event.term)
    if event.kind == "restart":
        log, limits = log_to_spec(event.log), limits_to_spec(event.limits)
        return v.Restart(event.current_term, event.voted_for, log, limits)
    if event.kind == "snapshot_installed":
        position = position_to_spec(event.position)
        return v.SnapshotInstalled(position, config_to_spec(event.config))
    if event.kind == "propose_config":
        return v.ProposeConfig(config_to_spec(event.config))
    if event.kind == "create_cluster":
        return v.CreateCluster(frozenset(event.voters))
    if event.kind == "start":
        return v.Start(limits_to_spec(event.limits))
    raise ValueError("a checkpoint is nothing that happens to a node")


def limits_to_spec(limits: w.Limits | None) -> v.Limits:
    """The library's default where a trace says nothing."""
    if limits is None:
        return v.LIMITS
    return v.Limits(limits.entries, limits.calls, limits.ask_again, limits.uncommitted)


def checkpoint_to_spec(node: v.NodeId, event: t.Checkpoint) -> Checkpoint:
    snapshot, disk = event.snapshot, event.snapshot.disk
    role: v.Role
    if snapshot.role == "follower":
        role = v.Follower(snapshot.leader)
    elif snapshot.role == "candidate":
        role = v.Candidate(frozenset(snapshot.granted), snapshot.transfer)
    else:
        peers = tuple(
            v.Progress(
                peer.node,
                peer.match,
                peer.next,
                peer.probe,
                peer.asked,
                peer.probing,
                peer.answered,
            )
            for peer in snapshot.peers
        )
        role = v.Leader(peers, snapshot.durable, snapshot.transfer)
    state = v.Node(
        node,
        role,
        snapshot.current_term,
        snapshot.voted_for,
        log_to_spec(snapshot.log),
        snapshot.commit_index,
        snapshot.seqno,
        limits_to_spec(snapshot.limits),
    )
    return Checkpoint(
        state,
        tuple(map(action_to_spec, snapshot.pending)),
        v.Restart(disk.current_term, disk.voted_for, log_to_spec(disk.log)),
    )


_PROPOSALS = ("create_cluster", "propose_command", "propose_config")


def outcome_to_spec(event: t.Event, outcome: t.Outcome) -> RecordedOutcome:
    """What a trace tells of an outcome, as `recorded_outcome` has it; compare the two."""
    if outcome is None:
        return False if event.kind in _PROPOSALS else None
    if isinstance(outcome, t.Called):
        return v.Called(outcome.seqno)
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
        state.confirmed,
    )


def changed_state(before: Observed, change: t.Change) -> Observed:
    """The state after a record that tells only what has changed since this one."""
    changes: dict[str, Any] = {}
    for name in change.model_fields_set:
        value = getattr(change, name)
        if isinstance(value, w.Position):
            value = position_to_spec(value)
        elif isinstance(value, w.Config):
            value = config_to_spec(value)
        elif name == "leader":
            changes["leader_given"] = True
        changes[name] = value
    return before._replace(**changes)
