"""The specification's values as plain dictionaries, and those as lines of JSON.

Recording 100,000 events must not take longer than having them, so no model is involved.  Lists are
tuples, for which the strict models ask where `conformance.trace.translate` makes models of these.
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias

from conformance.observe.observed import Checkpoint, Observed
from conformance.trace.vocabulary import MAX_COMMANDS
from spec import values as v

Plain: TypeAlias = dict[str, Any]


def plain_position(position: v.Position) -> Plain:
    return {"term": position.term, "index": position.index}


def plain_config(config: v.Config) -> Plain:
    return {
        "voters": tuple(sorted(config.voters)),
        "new_voters": tuple(sorted(config.new_voters)),
        "non_voters": tuple(sorted(config.non_voters)),
    }


def plain_entries(term: v.Term, entries: v.Entries) -> tuple[Plain, ...]:
    if len(entries) > MAX_COMMANDS:
        raise ValueError(f"{len(entries)} entries; a trace holds at most {MAX_COMMANDS} in a list")
    items: list[Plain] = []
    run = 0  # how many commands have been seen and not yet written
    for entry in entries:
        payload = entry.payload
        if payload == v.TERM:
            if entry.term < term:
                raise ValueError(f"an entry of term {entry.term} after one of term {term}")
            term = entry.term
        elif entry.term != term:
            raise ValueError(
                f"no trace can say that an entry that opens no term is of term {entry.term} "
                f"after one of term {term}"
            )
        if payload == v.COMMAND:
            run += 1
            continue
        if run:
            items.append({"commands": run})
            run = 0
        if isinstance(payload, v.Config):
            items.append({"config": plain_config(payload)})
        else:
            items.append({"term": term})
    if run:
        items.append({"commands": run})
    return tuple(items)


def plain_log(log: v.Log) -> Plain:
    return {
        "snapshot_position": plain_position(log.snapshot_position),
        "snapshot_config": plain_config(log.snapshot_config),
        "entries": plain_entries(log.snapshot_position.term, log.entries),
    }


def plain_message(message: v.Message) -> Plain:
    match message:
        case v.AppendEntriesCall(prev_position=prev, entries=entries):
            kind = "append_entries_call"
            rest: Plain = {
                "commit_index": message.commit_index,
                "prev_position": plain_position(prev),
                "entries": plain_entries(prev.term, entries),
            }
        case v.AppendEntriesReply(last_position=last):
            kind = "append_entries_reply"
            rest = {"last_position": plain_position(last), "accepted": message.accepted}
        case v.RequestVoteCall(last_position=last):
            kind, rest = "request_vote_call", {"last_position": plain_position(last)}
            if message.transfer:
                rest["transfer"] = True
        case v.RequestVoteReply(vote_granted=granted):
            kind, rest = "request_vote_reply", {"vote_granted": granted}
    header = {"from": message.sender, "term": message.term, "seqno": message.seqno}
    return {"type": kind, **header, **rest}


def plain_action(action: v.Action) -> Plain:
    match action:
        case v.SetElectionTimeout():
            return {"type": "set_election_timeout"}
        case v.SaveCurrentTerm(term):
            return {"type": "save_current_term", "term": term}
        case v.SaveVotedFor(voted_for):
            return {"type": "save_voted_for", "voted_for": voted_for}
        case v.BroadcastMessage(message, to):
            return {
                "type": "broadcast_message",
                "to": tuple(sorted(to)),
                "message": plain_message(message),
            }
        case v.AppendLogEntries(prev, entries):
            return {
                "type": "append_log_entries",
                "prev_position": plain_position(prev),
                "entries": plain_entries(prev.term, entries),
            }
        case v.SendMessage(to, message):
            return {"type": "send_message", "to": to, "message": plain_message(message)}
        case v.InstallSnapshot(to):
            return {"type": "install_snapshot", "to": to}


def plain_event(event: v.Event | Checkpoint) -> Plain:
    match event:
        case v.Receive(received):
            return {"kind": "message", "message": plain_message(received)}
        case v.ProposeCommand():
            return {"kind": "propose_command"}
        case v.ElectionTimeout():
            return {"kind": "election_timeout"}
        case v.Heartbeat():
            return {"kind": "heartbeat"}
        case v.StepDown():
            return {"kind": "step_down"}
        case v.TransferLeadership(to):
            return {"kind": "transfer_leadership", "to": to}
        case v.CancelTransfer():
            return {"kind": "cancel_transfer"}
        case v.TimeoutNow(term):
            return {"kind": "timeout_now", "term": term}
        case v.Restart():
            return {"kind": "restart", **plain_disk(event), **_plain_limits(event)}
        case v.SnapshotInstalled(covered, membership):
            return {
                "kind": "snapshot_installed",
                "position": plain_position(covered),
                "config": plain_config(membership),
            }
        case v.ProposeConfig(proposed):
            return {"kind": "propose_config", "config": plain_config(proposed)}
        case v.CreateCluster(voters):
            return {"kind": "create_cluster", "voters": tuple(sorted(voters))}
        case v.Start():
            return {"kind": "start", **_plain_limits(event)}
        case Checkpoint():
            return {"kind": "checkpoint", "snapshot": plain_snapshot(event)}


def _plain_limits(of: v.Start | v.Restart | v.Node) -> Plain:
    return {} if of.limits == v.LIMITS else {"limits": of.limits._asdict()}


def plain_disk(disk: v.Restart) -> Plain:
    return {
        "current_term": disk.current_term,
        "voted_for": disk.voted_for,
        "log": plain_log(disk.log),
    }


def plain_snapshot(checkpoint: Checkpoint) -> Plain:
    node = checkpoint.node
    plain: Plain = {
        "role": "follower",
        "current_term": node.current_term,
        "voted_for": node.voted_for,
        "leader": node.leader,
        "log": plain_log(node.log),
        "commit_index": node.commit_index,
        "seqno": node.seqno,
        "pending": tuple(map(plain_action, checkpoint.pending)),
        "disk": plain_disk(checkpoint.disk),
        **_plain_limits(node),
    }
    match node.role:
        case v.Candidate(granted, transfer):
            plain["role"] = "candidate"
            plain["granted"] = tuple(sorted(granted))
            if transfer:
                plain["transfer"] = True
        case v.Leader(peers, durable, target):
            plain["role"] = "leader"
            plain["peers"] = tuple(
                peer._asdict() for peer in sorted(peers, key=lambda peer: peer.node)
            )
            plain["durable"] = durable
            if target is not None:
                plain["transfer"] = target
    return plain


# A proposal that is accepted has a position to tell, so null is a refusal; an event that is
# answered with true or with nothing is refused with false.
_PROPOSALS: Final = (v.CreateCluster, v.ProposeCommand, v.ProposeConfig)
_NEVER_REFUSED: Final = (v.Start, v.ElectionTimeout, v.TimeoutNow, Checkpoint)


def plain_outcome(event: v.Event | Checkpoint, outcome: v.Outcome) -> Plain | bool | None:
    """False stands for any refusal, too."""
    if isinstance(outcome, v.Position):
        return plain_position(outcome)
    if isinstance(outcome, v.Called):
        return {"seqno": outcome.seqno}
    if isinstance(outcome, v.Refused) or outcome is False:
        if isinstance(event, _NEVER_REFUSED):
            raise ValueError(f"no trace can say that {type(event).__name__} was refused")
        return None if isinstance(event, _PROPOSALS) else False
    return outcome


def plain_state(state: Observed) -> Plain:
    plain: Plain = {
        "role": state.role,
        "current_term": state.current_term,
        "voted_for": state.voted_for,
        "commit_index": state.commit_index,
        "last_position": plain_position(state.last_position),
        "snapshot_position": plain_position(state.snapshot_position),
        "config": plain_config(state.config),
    }
    if state.leader_given:
        plain["leader"] = state.leader
    if state.confirmed is not None:
        plain["confirmed"] = state.confirmed
    return plain


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def record_line(
    node: v.NodeId,
    seq: int,
    event: v.Event | Checkpoint,
    outcome: v.Outcome,
    actions: tuple[v.Action, ...] | None,
    state: Observed,
    time: float | None = None,
) -> bytes:
    """A record as `TraceWriter.write_line` takes it.  No actions (None): nothing was drained."""
    plain: Plain = {"node": node, "seq": seq}
    if time is not None:
        plain["time"] = time
    plain["event"] = plain_event(event)
    plain.update(_answer(event, outcome, actions, state))
    return _encode(plain).encode()


def request_line(node: v.NodeId, event: v.Event | None, drain: bool = True) -> bytes:
    """What the harness asks of a subject, without a line feed; no event: it is drained alone."""
    plain: Plain = {"node": node}
    if event is not None:
        plain["event"] = plain_event(event)
    if not drain:
        plain["drain"] = False
    return _encode(plain).encode()


def answer_line(
    event: v.Event | None,
    outcome: v.Outcome,
    actions: tuple[v.Action, ...] | None,
    state: Observed,
) -> bytes:
    """What a subject answers, without a line feed."""
    return _encode(_answer(event, outcome, actions, state)).encode()


def _answer(
    event: v.Event | Checkpoint | None,
    outcome: v.Outcome,
    actions: tuple[v.Action, ...] | None,
    state: Observed,
) -> Plain:
    plain: Plain = {"outcome": None if event is None else plain_outcome(event, outcome)}
    if actions is not None:
        plain["actions"] = tuple(map(plain_action, actions))
    plain["state"] = plain_state(state)
    return plain
