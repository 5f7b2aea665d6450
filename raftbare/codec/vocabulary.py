"""The fields of each value, in the vocabulary of the trace format and in its order.

`traces/FORMAT.md` of the repository that this package comes from describes that format.  What one
function writes is read by the one below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from raftbare.action import (
    SAVE_CURRENT_TERM,
    SAVE_VOTED_FOR,
    SET_ELECTION_TIMEOUT,
    AppendLogEntries,
    BroadcastMessage,
    InstallSnapshot,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
)
from raftbare.codec.checkpoint import Checkpoint, Executed, Peer
from raftbare.codec.forms import MAX_ENTRIES, MAX_ITEMS, Sink, Source
from raftbare.config import ClusterConfig
from raftbare.entries import COMMAND, CommandEntry, ConfigEntry, LogEntries, LogEntry, TermEntry
from raftbare.limits import LIMITS, Limits
from raftbare.log import Log
from raftbare.message import (
    AppendEntriesCall,
    AppendEntriesReply,
    Message,
    MessageHeader,
    RequestVoteCall,
    RequestVoteReply,
)
from raftbare.node import Node
from raftbare.recovery import Disk
from raftbare.types import LogIndex, LogPosition, MessageSeqNo, NodeId, Role, Term

T = TypeVar("T")


def _put(sink: Sink, name: str, write: Callable[[Sink, T], None], value: T) -> None:
    """A field that is an object."""
    sink.begin(name)
    write(sink, value)
    sink.end()


def _get(source: Source, name: str, read: Callable[[Source], T]) -> T:
    source.begin(name)
    value = read(source)
    source.end()
    return value


def _node(node_id: int | None) -> NodeId | None:
    return None if node_id is None else NodeId(node_id)


def _items(source: Source, name: str) -> Iterator[None]:
    """Once for each item of a list, whose fields are then to be read."""
    source.begin_list(name)
    count = 0
    while source.item():
        count += 1
        if count > MAX_ITEMS:
            raise source.error("", f"item {count}", f"at most {MAX_ITEMS}")
        yield
        source.end()
    source.end_list()


# Positions, configurations


def write_position(sink: Sink, position: LogPosition) -> None:
    sink.integer("term", position.term)
    sink.integer("index", position.index)


def read_position(source: Source) -> LogPosition:
    term = Term(source.integer("term"))
    return LogPosition(term, LogIndex(source.integer("index")))


def write_config(sink: Sink, config: ClusterConfig) -> None:
    sink.ids("voters", config.voters)
    sink.ids("new_voters", config.new_voters)
    sink.ids("non_voters", config.non_voters)


def read_config(source: Source) -> ClusterConfig:
    voters, new_voters = source.ids("voters"), source.ids("new_voters")
    non_voters = source.ids("non_voters")
    return ClusterConfig(map(NodeId, voters), map(NodeId, new_voters), map(NodeId, non_voters))


# Entries, logs


def write_entries(sink: Sink, entries: LogEntries) -> None:
    """With the position before them, which gives the first ones their term."""
    _put(sink, "prev_position", write_position, entries.prev_position)
    _write_runs(sink, entries)


def read_entries(source: Source) -> LogEntries:
    return _read_runs(source, _get(source, "prev_position", read_position))


def write_log(sink: Sink, log: Log) -> None:
    _put(sink, "snapshot_position", write_position, log.snapshot_position)
    _put(sink, "snapshot_config", write_config, log.snapshot_config)
    _write_runs(sink, log.entries)


def read_log(source: Source) -> Log:
    position = _get(source, "snapshot_position", read_position)
    config = _get(source, "snapshot_config", read_config)
    return Log(config, _read_runs(source, position))


def _write_runs(sink: Sink, entries: LogEntries) -> None:
    sink.begin_list("entries", len(entries), MAX_ENTRIES)
    for entry, count in entries.runs():
        if isinstance(entry, CommandEntry):
            sink.item(0)
            sink.integer("commands", count)
        elif isinstance(entry, TermEntry):
            sink.item(1)
            sink.integer("term", entry.term)
        else:
            sink.item(2)
            _put(sink, "config", write_config, entry.config)
        sink.end()
    sink.end_list()


def _read_runs(source: Source, prev: LogPosition) -> LogEntries:
    source.begin_list("entries")
    entries = LogEntries.from_runs(prev, _runs(source, prev.term))
    source.end_list()
    return entries


def _runs(source: Source, term: Term) -> Iterator[tuple[LogEntry, int]]:
    """One at a time: a list of them would take much more memory than the entries."""
    total = 0
    while kind := source.entry():
        entry: LogEntry
        count, name = 1, "term"
        if kind == 1:
            count, name = source.integer("commands", 1, MAX_ENTRIES), "commands"
            entry = COMMAND
        elif kind == 2:
            later = Term(source.integer("term"))
            if later < term:
                raise source.error("term", f"{later} after term {term}", "terms that never fall")
            term = later
            entry = TermEntry(term)
        else:
            name = "config"
            entry = ConfigEntry(_get(source, name, read_config))
        total += count
        if total > MAX_ENTRIES:
            raise source.error(name, f"{total} entries", f"at most {MAX_ENTRIES}")
        source.end()
        yield entry, count


# Messages

MESSAGES: Final = (
    "request_vote_call",
    "request_vote_reply",
    "append_entries_call",
    "append_entries_reply",
)


def write_message(sink: Sink, message: Message) -> None:
    if isinstance(message, AppendEntriesCall):
        _write_header(sink, 2, message)
        sink.integer("commit_index", message.commit_index)
        write_entries(sink, message.entries)
    elif isinstance(message, AppendEntriesReply):
        _write_header(sink, 3, message)
        _put(sink, "last_position", write_position, message.last_position)
        sink.flag("accepted", message.accepted)
    elif isinstance(message, RequestVoteCall):
        _write_header(sink, 0, message)
        _put(sink, "last_position", write_position, message.last_position)
        if message.transfer or not sink.leaves_out:
            sink.flag("transfer", message.transfer)
    else:
        _write_header(sink, 1, message)
        sink.flag("vote_granted", message.vote_granted)


def _write_header(sink: Sink, kind: int, message: Message) -> None:
    sink.choice("type", MESSAGES, kind)
    sink.integer("from", message.sender)
    sink.integer("term", message.term)
    sink.integer("seqno", message.seqno)


def read_message(source: Source) -> Message:
    kind = source.choice("type", MESSAGES)
    sender, term = NodeId(source.integer("from")), Term(source.integer("term"))
    header = MessageHeader(sender, term, MessageSeqNo(source.integer("seqno")))
    if kind == 2:
        commit_index = LogIndex(source.integer("commit_index"))
        return AppendEntriesCall(header, commit_index, read_entries(source))
    if kind == 1:
        return RequestVoteReply(header, source.flag("vote_granted"))
    last_position = _get(source, "last_position", read_position)
    if kind == 3:
        accepted = source.lacks("accepted") or source.flag("accepted")
        return AppendEntriesReply(header, last_position, accepted)
    transfer = not source.lacks("transfer") and source.flag("transfer")
    return RequestVoteCall(header, last_position, transfer)


# Actions

ACTIONS: Final = (
    "set_election_timeout",
    "save_current_term",
    "save_voted_for",
    "broadcast_message",
    "append_log_entries",
    "send_message",
    "install_snapshot",
)


def write_action(sink: Sink, executed: Executed) -> None:
    action = executed.action
    if isinstance(action, SetElectionTimeout):
        sink.choice("type", ACTIONS, 0)
    elif isinstance(action, SaveCurrentTerm):
        sink.choice("type", ACTIONS, 1)
        sink.integer("term", executed.current_term)
    elif isinstance(action, SaveVotedFor):
        sink.choice("type", ACTIONS, 2)
        sink.optional("voted_for", executed.voted_for)
    elif isinstance(action, BroadcastMessage):
        sink.choice("type", ACTIONS, 3)
        sink.ids("to", executed.peers)
        _put(sink, "message", write_message, action.message)
    elif isinstance(action, AppendLogEntries):
        sink.choice("type", ACTIONS, 4)
        write_entries(sink, action.entries)
    elif isinstance(action, SendMessage):
        sink.choice("type", ACTIONS, 5)
        sink.integer("to", action.to)
        _put(sink, "message", write_message, action.message)
    else:
        sink.choice("type", ACTIONS, 6)
        sink.integer("to", action.to)


def read_action(source: Source) -> Executed:
    kind = source.choice("type", ACTIONS)
    if kind == 0:
        return Executed(SET_ELECTION_TIMEOUT)
    if kind == 1:
        return Executed(SAVE_CURRENT_TERM, Term(source.integer("term")))
    if kind == 2:
        return Executed(SAVE_VOTED_FOR, voted_for=_node(source.optional("voted_for")))
    if kind == 3:
        peers = tuple(map(NodeId, source.ids("to")))
        return Executed(BroadcastMessage(_get(source, "message", read_message)), peers=peers)
    if kind == 4:
        return Executed(AppendLogEntries(read_entries(source)))
    to = NodeId(source.integer("to"))
    if kind == 5:
        return Executed(SendMessage(to, _get(source, "message", read_message)))
    return Executed(InstallSnapshot(to))


# What a node shows, what it keeps to, what its disk holds

ROLES: Final = ("follower", "candidate", "leader")


def write_state(sink: Sink, node: Node) -> None:
    sink.choice("role", ROLES, ROLES.index(node.role.value))
    sink.integer("current_term", node.current_term)
    sink.optional("voted_for", node.voted_for)
    sink.integer("commit_index", node.commit_index)
    _put(sink, "last_position", write_position, node.log.last_position)
    _put(sink, "snapshot_position", write_position, node.log.snapshot_position)
    _put(sink, "config", write_config, node.config)
    sink.optional("leader", node.leader)
    if node.role is Role.LEADER:
        sink.integer("confirmed", node.confirmed)


def write_limits(sink: Sink, limits: Limits) -> None:
    sink.integer("entries", limits.entries)
    sink.integer("calls", limits.calls)
    sink.integer("ask_again", limits.ask_again)
    sink.optional("uncommitted", limits.uncommitted)


def read_limits(source: Source) -> Limits:
    entries, calls = source.integer("entries", 1), source.integer("calls", 1)
    ask_again = source.integer("ask_again", 1)
    return Limits(entries, calls, ask_again, source.optional("uncommitted", 1))


def write_disk(sink: Sink, disk: Disk) -> None:
    sink.integer("current_term", disk.current_term)
    sink.optional("voted_for", disk.voted_for)
    _put(sink, "log", write_log, disk.log)


def read_disk(source: Source) -> Disk:
    term, voted_for = Term(source.integer("current_term")), _node(source.optional("voted_for"))
    return Disk(term, voted_for, _get(source, "log", read_log))


# Checkpoints


def write_checkpoint(sink: Sink, checkpoint: Checkpoint) -> None:
    sink.choice("role", ROLES, ROLES.index(checkpoint.role.value))
    sink.integer("current_term", checkpoint.current_term)
    sink.optional("voted_for", checkpoint.voted_for)
    sink.optional("leader", checkpoint.leader)
    _put(sink, "log", write_log, checkpoint.log)
    sink.integer("commit_index", checkpoint.commit_index)
    sink.integer("seqno", checkpoint.seqno)
    sink.begin_list("pending", len(checkpoint.pending), MAX_ITEMS)
    for executed in checkpoint.pending:
        sink.item()
        write_action(sink, executed)
        sink.end()
    sink.end_list()
    _put(sink, "disk", write_disk, checkpoint.disk)
    if checkpoint.limits != LIMITS or not sink.leaves_out:
        _put(sink, "limits", write_limits, checkpoint.limits)
    if checkpoint.role is Role.CANDIDATE:
        sink.ids("granted", checkpoint.granted_votes)
        if checkpoint.transfer or not sink.leaves_out:
            sink.flag("transfer", checkpoint.transfer)
    elif checkpoint.role is Role.LEADER:
        _write_peers(sink, checkpoint.peers)
        sink.integer("durable", checkpoint.durable)
        if checkpoint.transfer_target is not None or not sink.leaves_out:
            sink.optional("transfer", checkpoint.transfer_target)


def read_checkpoint(source: Source) -> Checkpoint:
    """No index may point beyond the log: nobody could go on from there."""
    role = Role(ROLES[source.choice("role", ROLES)])
    term, voted_for = Term(source.integer("current_term")), _node(source.optional("voted_for"))
    leader = _node(source.optional("leader"))
    if role is Role.CANDIDATE and leader is not None:
        raise source.error("leader", f"{leader}", "null: a candidate knows of no leader")
    if role is Role.LEADER and leader is None:
        raise source.error("leader", "null", "the node itself")
    log = _get(source, "log", read_log)
    last = log.last_position.index
    commit_index = LogIndex(source.integer("commit_index", 0, last))
    seqno = MessageSeqNo(source.integer("seqno"))
    pending = tuple([read_action(source) for _ in _items(source, "pending")])
    disk = _get(source, "disk", read_disk)
    limits = LIMITS if source.lacks("limits") else _get(source, "limits", read_limits)
    made = Checkpoint(
        role, term, voted_for, leader, log, commit_index, seqno, pending, disk, limits
    )
    if role is Role.CANDIDATE:
        granted = frozenset(map(NodeId, source.ids("granted")))
        transfer = not source.lacks("transfer") and source.flag("transfer")
        return made._replace(granted_votes=granted, transfer=transfer)
    if role is Role.LEADER:
        peers = _read_peers(source, last)
        durable = LogIndex(source.integer("durable", 0, last))
        target = None if source.lacks("transfer") else _node(source.optional("transfer"))
        return made._replace(peers=peers, durable=durable, transfer_target=target)
    return made


def _write_peers(sink: Sink, peers: tuple[Peer, ...]) -> None:
    sink.begin_list("peers", len(peers), MAX_ITEMS)
    for peer in peers:
        sink.item()
        sink.integer("node", peer.node)
        sink.integer("match", peer.match_index)
        sink.optional("next", peer.next_index)
        sink.integer("probe", peer.probe)
        sink.integer("asked", peer.asked)
        sink.flag("probing", peer.probing)
        sink.integer("answered", peer.answered)
        sink.end()
    sink.end_list()


def _read_peers(source: Source, last: LogIndex) -> tuple[Peer, ...]:
    peers: list[Peer] = []
    least = 0
    for _ in _items(source, "peers"):
        node_id = NodeId(source.integer("node", least))
        least = node_id + 1
        match_index = LogIndex(source.integer("match", 0, last))
        following = None if source.lacks("next") else source.optional("next", 0, last)
        peers.append(
            Peer(
                node_id,
                match_index,
                None if following is None else LogIndex(following),
                MessageSeqNo(0 if source.lacks("probe") else source.integer("probe")),
                MessageSeqNo(0 if source.lacks("asked") else source.integer("asked")),
                not source.lacks("probing") and source.flag("probing"),
                MessageSeqNo(0 if source.lacks("answered") else source.integer("answered")),
            )
        )
    return tuple(peers)
