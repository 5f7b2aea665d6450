"""hashicorp/raft with trace points added (specula's), a line an event.

What a line shows was read by the goroutine that wrote it.  Only those of a server's main loop stand
in the order in which its state changed; what others show is left out, their messages are not.
Calls of several goroutines stand anywhere near their place: an acknowledgement may follow the
commit that it led to.  The vote that is shown is a copy, which the trace points clear at each new
term, also where a vote was given in it before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from conformance.importers.importer import Foreign, Importer, Names, Refused, message
from conformance.trace.errors import shown
from conformance.trace.moments import Capabilities, Role, SeenMessage
from conformance.trace.vocabulary import Integer, problem
from spec.values import Index, NodeId

ROLES: Final[Mapping[str, Role]] = {
    "Follower": "follower",
    "Candidate": "candidate",
    "Leader": "leader",
}

MAIN: Final = frozenset(
    {
        "BecomeCandidate",
        "BecomeLeader",
        "HandleRequestVoteRequest",
        "HandleRequestVoteResponse",
        "HandleAppendEntriesRequest",
        "AdvanceCommitIndex",
        "ProposeConfigChange",
    }
)
"""The events of a server's main loop; the others are of the goroutines that replicate."""


class Config(Foreign):
    servers: tuple[str, ...]


class State(Foreign):
    term: Integer
    role: str
    commit_index: Integer = Field(alias="commitIndex")
    last_index: Integer = Field(alias="lastLogIndex")
    last_term: Integer = Field(alias="lastLogTerm")


class Message(Foreign):
    """What is zero, false or empty is left out."""

    term: Integer = 0
    from_: str = Field("", alias="from")
    to: str = ""
    entries: Integer = 0
    prev_index: Integer = Field(0, alias="prevLogIndex")
    prev_term: Integer = Field(0, alias="prevLogTerm")
    commit_index: Integer = Field(0, alias="commitIndex")
    match_index: Integer = Field(0, alias="matchIndex")
    last_index: Integer = Field(0, alias="lastLogIndex")
    last_term: Integer = Field(0, alias="lastLogTerm")
    success: bool = False
    vote_granted: bool = Field(False, alias="voteGranted")

    @property
    def is_heartbeat(self) -> bool:
        """A heartbeat names no position and no commit index, and is not told apart otherwise."""
        return not (self.entries or self.prev_index or self.prev_term or self.commit_index)


class Event(Foreign):
    name: str
    nid: str
    state: State
    msg: Message | None = None


class Line(Foreign):
    tag: Literal["trace", "config"]
    event: Event | None = None
    config: Config | None = None

    @model_validator(mode="after")
    def _check(self) -> Line:
        if (self.event if self.tag == "trace" else self.config) is None:
            name = "event" if self.tag == "trace" else "config"
            raise problem(f"{name} is missing", "that field")
        return self


class Hashicorp(Importer[Line]):
    NAME: ClassVar[str] = "hashicorp"
    LINE = Line

    def __init__(self, version: str, names: Names) -> None:
        super().__init__(version, names)
        self._voters: tuple[tuple[NodeId, ...], ...] = ()
        self._commits: dict[NodeId, Index] = {}
        self._begins = False
        """Whether the recording shows the beginning: the servers, before any event."""
        self._begun: set[NodeId] = set()

    @classmethod
    def sniff(cls, first: Mapping[str, Any]) -> str | None:
        event, config = first.get("event"), first.get("config")
        name = "hashicorp/raft (trace points)"
        if first.get("tag") == "config" and isinstance(config, dict):
            return name if "servers" in config else None
        state = event.get("state") if isinstance(event, dict) else None
        return name if isinstance(state, dict) and "lastLogIndex" in state else None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            sends=(
                "request_vote_reply",
                "append_entries_call",
                "append_entries_reply",
                "heartbeat_call",
                "heartbeat_reply",
            ),
            receipts=(
                "request_vote_call",
                "request_vote_reply",
                "append_entries_call",
                "append_entries_reply",
                "heartbeat_call",
                "heartbeat_reply",
            ),
            state="after",
            order="states",
            durability="unknown",
            entries="counts",
            numbers=False,
            configuration="append",
            changes="single",
            votes="copied",
            compared="last",
            complete=True,
        )

    def read(self, line: Line) -> dict[str, Any] | None:
        if line.config is not None and line.event is None:
            self._voters = self.voters((line.config.servers,))
            self._begins = True
            return None
        event = line.event
        assert event is not None
        node, state = self.names.id_of(event.nid), event.state
        role = ROLES.get(state.role)
        if role is None:
            raise Refused(f"event.state.role is {shown(state.role)}", "one of " + ", ".join(ROLES))
        changes = event.name == "ProposeConfigChange"
        if changes:
            self._voters = ()  # it names the server and not what becomes of it
        starts = self._begins and node not in self._begun
        self._begun.add(node)
        fields: dict[str, Any] = {"node": node, "voters": self._voters}
        fields["came_up"] = True if starts else None
        msg = event.msg
        calls = event.name == "HandleAppendEntriesRequest"
        # A transport may answer heartbeats beside the main loop.
        if event.name in MAIN and not (calls and msg is not None and msg.is_heartbeat):
            # There is no event for a start; a server that comes up knows of no commit.
            was = self._commits.get(node, 0)
            if was and not state.commit_index:
                fields["came_up"] = True
            self._commits[node] = state.commit_index
            fields |= {
                "role": role,
                "current_term": state.term,
                "commit_index": state.commit_index,
                "last_index": state.last_index,
                "last_term": state.last_term,
                # Its entry has just been appended.
                "config_index": state.last_index if changes else None,
            }
        if msg is not None and msg.from_ and msg.to:
            self._note(event, msg, fields)
        return fields

    def _note(self, event: Event, msg: Message, fields: dict[str, Any]) -> None:
        sender, to = self.names.id_of(msg.from_), self.names.id_of(msg.to)
        ends = {"sender": sender, "to": to, "term": msg.term}
        back = {"sender": to, "to": sender}
        match event.name:
            case "HandleRequestVoteRequest":
                self._at(event.nid, msg.to, "to")
                fields["received"] = message(
                    type="request_vote_call", index=msg.last_index, log_term=msg.last_term, **ends
                )
                term = msg.term if msg.vote_granted else event.state.term
                fields["sent"] = (
                    message(type="request_vote_reply", term=term, granted=msg.vote_granted, **back),
                )
            case "HandleRequestVoteResponse":
                self._at(event.nid, msg.to, "to")
                fields["received"] = message(
                    type="request_vote_reply", granted=msg.vote_granted, **ends
                )
            case "SendReplicateEntries" | "SendHeartbeat":
                self._at(event.nid, msg.from_, "from")
                fields["sent"] = (_call(msg, ends),)
            case "HandleAppendEntriesRequest":
                self._at(event.nid, msg.to, "to")
                fields["received"] = call = _call(msg, ends)
                heartbeat = call.type == "heartbeat_call"
                kind = "heartbeat_reply" if heartbeat else "append_entries_reply"
                term = msg.term if msg.success else event.state.term
                fields["sent"] = (message(type=kind, term=term, granted=msg.success, **back),)
            case "HandleReplicateResponse" | "HandleHeartbeatResponse":
                self._at(event.nid, msg.to, "to")
                heartbeat = event.name == "HandleHeartbeatResponse"
                fields["received"] = message(
                    type="heartbeat_reply" if heartbeat else "append_entries_reply",
                    granted=msg.success,
                    index=msg.match_index if msg.success and not heartbeat else None,
                    **ends,
                )

    def _at(self, node: str, end: str, name: str) -> None:
        if end != node:
            raise Refused(f"event.msg.{name} is {shown(end)}", f"{shown(node)}, the event's node")


def _call(msg: Message, ends: dict[str, Any]) -> SeenMessage:
    if msg.is_heartbeat:
        return message(type="heartbeat_call", **ends)
    return message(
        type="append_entries_call",
        index=msg.prev_index,
        log_term=msg.prev_term,
        entries=msg.entries,
        commit_index=msg.commit_index,
        **ends,
    )
