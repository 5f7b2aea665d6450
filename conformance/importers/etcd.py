"""etcd-io/raft with the build tag `with_tla`: what its state_trace.go writes, a line an event.

Its forks add events, fields of the state, and `config` lines; the names of the fields are the same.
A line shows the node at that moment: where a message arrives, from before it is taken in; where one
is sent, half changed (a granted vote is sent before it is noted as given).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from conformance.importers.importer import Foreign, Importer, Refused, message
from conformance.trace.errors import shown
from conformance.trace.moments import Capabilities, MessageType, Role, SeenMessage
from conformance.trace.vocabulary import Integer, Position, problem

ROLES: Final[Mapping[str, Role]] = {
    "StateFollower": "follower",
    "StatePreCandidate": "pre_candidate",
    "StateCandidate": "candidate",
    "StateLeader": "leader",
}

TYPES: Final[Mapping[str, MessageType]] = {
    "MsgVote": "request_vote_call",
    "MsgVoteResp": "request_vote_reply",
    "MsgApp": "append_entries_call",
    "MsgAppResp": "append_entries_reply",
    "MsgHeartbeat": "heartbeat_call",
    "MsgHeartbeatResp": "heartbeat_reply",
    "MsgSnap": "install_snapshot_call",
}
"""Others, such as pre-votes, reads and hand-overs, decide nothing that is judged."""

NOBODY: Final = "0"

ADDED: Final = "AddNewServer"


class State(Foreign):
    term: Integer
    vote: str
    commit: Integer
    snapshot_index: Integer = Field(0, alias="snapshotIndex")
    snapshot_term: Integer = Field(0, alias="snapshotTerm")


class Message(Foreign):
    type: str
    term: Integer
    from_: str = Field(alias="from")
    to: str
    entries: Integer
    log_term: Integer = Field(alias="logTerm")
    index: Integer
    commit: Integer
    reject: bool


class Change(Foreign):
    nid: str
    action: str


class ConfChange(Foreign):
    changes: tuple[Change, ...] = ()


class Properties(Foreign):
    cc: ConfChange | None = None


class Event(Foreign):
    name: str
    nid: str
    state: State
    role: str
    log: Integer
    conf: tuple[tuple[str, ...], tuple[str, ...]]
    msg: Message | None = None
    prop: Properties | None = None

    @property
    def changes_voters(self) -> bool:
        """Whether a leader is about to append a configuration with other voters: a learner may
        come and go as it likes.  One that names no changes leaves a joint configuration.
        """
        change = self.prop.cc if self.prop is not None else None
        if self.name != "ChangeConf" or change is None:
            return False
        voters, outgoing = self.conf
        toggled = [(one.nid in voters) != (one.action == ADDED) for one in change.changes]
        return any(toggled) or bool(outgoing and not toggled)


class Line(Foreign):
    tag: Literal["trace", "config"]
    event: Event | None = None

    @model_validator(mode="after")
    def _check(self) -> Line:
        if self.tag == "trace" and self.event is None:
            raise problem("event is missing", "that field")
        return self


class Etcd(Importer[Line]):
    NAME: ClassVar[str] = "etcd"
    LINE = Line

    @classmethod
    def sniff(cls, first: Mapping[str, Any]) -> str | None:
        event, config = first.get("event"), first.get("config")
        if first.get("tag") == "trace" and isinstance(event, dict) and "conf" in event:
            return "etcd raft (state_trace)"
        if first.get("tag") == "config" and isinstance(config, dict) and "servers" not in config:
            return "etcd raft (state_trace, with configuration)"
        return None

    @property
    def capabilities(self) -> Capabilities:
        every: tuple[MessageType, ...] = tuple(TYPES.values())
        return Capabilities(
            sends=every[:-1],  # forks send snapshots by hand, unnoted
            receipts=every,
            state="middle",
            order="all",
            durability="unknown",
            entries="counts",
            numbers=False,
            configuration="apply",
            changes="both",
            votes="stored",
            compared="last",
            complete=True,
        )

    def read(self, line: Line) -> dict[str, Any] | None:
        event = line.event
        if event is None:
            return None
        state, node = event.state, self.names.id_of(event.nid)
        role = ROLES.get(event.role)
        if role is None:
            raise Refused(f"event.role is {shown(event.role)}", "one of " + ", ".join(ROLES))
        incoming, outgoing = event.conf
        fields: dict[str, Any] = {
            "node": node,
            "came_up": True if event.name == "InitState" else None,
            "role": role,
            "current_term": state.term,
            "voted_for": None if state.vote == NOBODY else self.names.id_of(state.vote),
            "commit_index": state.commit,
            "last_index": event.log,
            "voters": self.voters((incoming, outgoing) if outgoing else (incoming,)),
            "config_index": event.log + 1 if event.changes_voters else None,
        }
        if state.snapshot_term:
            fields["snapshot_position"] = Position(
                term=state.snapshot_term, index=state.snapshot_index
            )
        if event.msg is not None and event.msg.type in TYPES:
            self._note(event, event.msg, fields)
        return fields

    def _note(self, event: Event, msg: Message, fields: dict[str, Any]) -> None:
        if event.name.startswith("Receive"):
            self._at(event.nid, msg.to, "to")
            fields["received"] = self._message(msg)
        elif event.name.startswith(("Send", "ManualSend")):
            self._at(event.nid, msg.from_, "from")
            fields["sent"] = (self._message(msg),)

    def _at(self, node: str, end: str, name: str) -> None:
        if end != node:
            raise Refused(f"event.msg.{name} is {shown(end)}", f"{shown(node)}, the event's node")

    def _message(self, msg: Message) -> SeenMessage:
        kind = TYPES[msg.type]
        seen: dict[str, Any] = {
            "type": kind,
            "sender": self.names.id_of(msg.from_),
            "to": self.names.id_of(msg.to),
            "term": msg.term,
        }
        match kind:
            case "request_vote_call":
                seen |= {"index": msg.index, "log_term": msg.log_term}
            case "request_vote_reply":
                seen |= {"granted": not msg.reject}
            case "append_entries_call":
                seen |= {"index": msg.index, "log_term": msg.log_term}
                seen |= {"entries": msg.entries, "commit_index": msg.commit}
            case "append_entries_reply":
                seen |= {"index": msg.index, "granted": not msg.reject}
            case "heartbeat_call":
                seen |= {"commit_index": msg.commit}
            case "install_snapshot_call":
                # state_trace.go writes the snapshot's index as the number of entries.
                seen |= {"index": msg.index or msg.entries, "log_term": msg.log_term or None}
        return message(**seen)
