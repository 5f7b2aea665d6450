"""The lines of a recording: its header, and a record of one event at one node.

`traces/FORMAT.md` of the repository that this package comes from describes them.
"""

from __future__ import annotations

import json
from typing import Final, final

from raftbare.action import (
    Action,
    AppendLogEntries,
    BroadcastMessage,
    SendMessage,
    SetElectionTimeout,
)
from raftbare.codec.checkpoint import Checkpoint, Executed
from raftbare.codec.forms import Sink
from raftbare.codec.vocabulary import (
    ROLES,
    write_action,
    write_checkpoint,
    write_config,
    write_disk,
    write_limits,
    write_message,
    write_position,
)
from raftbare.config import ClusterConfig
from raftbare.limits import LIMITS, Limits
from raftbare.message import Message
from raftbare.node import Node
from raftbare.recorder.text import TextSink
from raftbare.recorder.usual import LARGE, entries_text, ids_text, message_text
from raftbare.recovery import Disk
from raftbare.types import LogPosition, MessageSeqNo, NodeId, Role, Term

BEGINNINGS: Final = ("start", "restart", "checkpoint")
"""The events that say all of a node's state: a file begins with one, and its record too says all of
what it says.  Other records say what has changed since the node's record before."""


def header(implementation: str, nodes: int = 1, cluster: str | None = None) -> bytes:
    """The first line of every file.

    `implementation`: what is recorded, and its version.  `nodes`: how many nodes' records the file
    is for.  `cluster`: a name by which files of other clusters are told from these.
    """
    fields: dict[str, object] = {
        "format": "raftbare-trace",
        "version": 1,
        "implementation": implementation,
        "nodes": nodes,
    }
    if cluster is not None:
        fields["cluster"] = cluster
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


@final
class Shown:
    """The state that a node's latest record showed, to tell what the next one has to."""

    __slots__ = (
        "_commit_index",
        "_config",
        "_confirmed",
        "_last",
        "_leader",
        "_role",
        "_snapshot",
        "_term",
        "_voted_for",
    )

    def __init__(self) -> None:
        self._role = Role.FOLLOWER
        self._term = Term(0)
        self._voted_for: NodeId | None = None
        self._commit_index = 0
        self._last = LogPosition.ZERO
        self._snapshot = LogPosition.ZERO
        self._config = ClusterConfig()
        self._leader: NodeId | None = None
        self._confirmed: MessageSeqNo | None = None

    def copy(self) -> Shown:
        made = Shown()
        made._role, made._term, made._voted_for = self._role, self._term, self._voted_for
        made._commit_index, made._last = self._commit_index, self._last
        made._snapshot, made._config = self._snapshot, self._config
        made._leader, made._confirmed = self._leader, self._confirmed
        return made

    def write(self, sink: Sink, node: Node, whole: bool) -> None:
        """The fields of the node's state: all of them, or those that have changed.

        `confirmed` is a leader's alone; where it has gone, null says so.  O(1), but for a leader
        O(voters), and O(members) where the configuration is another.
        """
        role, leads = node.role, node.role is Role.LEADER
        if whole or role is not self._role:
            sink.choice("role", ROLES, ROLES.index(role.value))
            self._role = role
        if whole or node.current_term != self._term:
            self._term = node.current_term
            sink.integer("current_term", self._term)
        if whole or node.voted_for != self._voted_for:
            self._voted_for = node.voted_for
            sink.optional("voted_for", self._voted_for)
        if whole or node.commit_index != self._commit_index:
            self._commit_index = node.commit_index
            sink.integer("commit_index", self._commit_index)
        log = node.log
        if whole or log.last_position != self._last:
            self._last = log.last_position
            _position(sink, "last_position", self._last)
        if whole or log.snapshot_position != self._snapshot:
            self._snapshot = log.snapshot_position
            _position(sink, "snapshot_position", self._snapshot)
        config = log.latest_config
        if whole or (config is not self._config and config != self._config):
            sink.begin("config")
            write_config(sink, config)
            sink.end()
        self._config = config
        leader = node.leader
        if whole or leader != self._leader:
            self._leader = leader
            sink.optional("leader", leader)
        confirmed = node.confirmed if leads else None
        if leads if whole else confirmed != self._confirmed:
            sink.optional("confirmed", confirmed)
        self._confirmed = confirmed


def _position(sink: Sink, name: str, position: LogPosition) -> None:
    sink.begin(name)
    write_position(sink, position)
    sink.end()


@final
class Line:
    """A record that is being written: its event first, then what came of it."""

    __slots__ = ("_sink", "_whole", "drained")

    def __init__(self, node_id: NodeId, seq: int, time: float | None, kind: str) -> None:
        """The event's `kind`; its other fields follow, up to `outcome`."""
        self._sink = TextSink()
        self._whole = kind in BEGINNINGS
        self.drained = False
        """Whether the drain after the event has begun."""
        timed = "" if time is None else f'"time":{time},'
        self._sink.raw(f'{{"node":{node_id},"seq":{seq},{timed}"event":{{"kind":"{kind}"', True)

    # The event's fields

    def limits(self, limits: Limits) -> None:
        if limits != LIMITS:
            self._sink.begin("limits")
            write_limits(self._sink, limits)
            self._sink.end()

    def disk(self, disk: Disk) -> None:
        write_disk(self._sink, disk)

    def integer(self, name: str, value: int) -> None:
        self._sink.integer(name, value)

    def voters(self, voters: frozenset[NodeId]) -> None:
        self._sink.ids("voters", voters)

    def position(self, position: LogPosition) -> None:
        _position(self._sink, "position", position)

    def config(self, config: ClusterConfig) -> None:
        self._sink.begin("config")
        write_config(self._sink, config)
        self._sink.end()

    def message(self, message: Message) -> None:
        text = message_text(message)
        if text:
            self._sink.one(f'"message":{{{text}}}')
        else:
            self._sink.begin("message")
            write_message(self._sink, message)
            self._sink.end()

    def snapshot(self, checkpoint: Checkpoint) -> None:
        self._sink.begin("snapshot")
        write_checkpoint(self._sink, checkpoint)
        self._sink.end()

    # What came of it

    def outcome(self, told: str) -> None:
        """What the caller was told, as JSON."""
        self._sink.raw(f'}},"outcome":{told}')

    def drain(self) -> None:
        """The drain begins: what follows are actions."""
        self.drained = True
        self._sink.raw(',"actions":[')

    def action(self, node: Node, action: Action) -> None:
        """An action of the node, which has not been asked for the next one yet."""
        text = _usual_action(node, action)
        if text:
            self._sink.one(text)
            return
        self._sink.item()
        write_action(self._sink, Executed.by(node, action))
        self._sink.end()

    def ended(self, node: Node, shown: Shown) -> bytes:
        """All of the line, with the node's state as it is now.  More may still be added to it."""
        state = TextSink()
        closed, name = "]" if self.drained else "", "state" if self._whole else "changed"
        state.raw(f'{closed},"{name}":{{')
        shown.write(state, node, self._whole)
        state.raw("}}\n")
        return "".join(self._sink.parts + state.parts).encode()


def _usual_action(node: Node, action: Action) -> str:
    """The object, as text; "" for what is not usual."""
    if isinstance(action, SetElectionTimeout):
        return '{"type":"set_election_timeout"}'
    if isinstance(action, SendMessage):
        text = message_text(action.message)
        if text and 0 <= action.to < LARGE:
            return f'{{"type":"send_message","to":{action.to},"message":{{{text}}}}}'
    elif isinstance(action, AppendLogEntries):
        text = entries_text(action.entries)
        if text:
            return f'{{"type":"append_log_entries",{text}}}'
    elif isinstance(action, BroadcastMessage):
        text, to = message_text(action.message), ids_text(node.peers)
        if text and to:
            return f'{{"type":"broadcast_message","to":{to},"message":{{{text}}}}}'
    return ""


def position_text(position: LogPosition) -> str:
    return f'{{"term":{position.term},"index":{position.index}}}'
