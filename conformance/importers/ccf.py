"""CCF's raft with its trace: lines with the tag `raft_trace`, or `tla` in versions before mid-2023.

A line shows the node at that moment: where a message arrives, from before it is taken in.  The
configurations in force are shown on some lines.  A vote compares the last positions that a
signature makes committable, not the last of the log; a new leader, and a follower that enters a
term, may drop what follows its last signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from conformance.importers.importer import Foreign, Importer, Refused, message
from conformance.trace.errors import shown
from conformance.trace.moments import Capabilities, MessageType, Role, SeenMessage
from conformance.trace.vocabulary import Integer, problem

ROLES: Final[Mapping[str, Role]] = {
    "None": "follower",
    "none": "follower",
    "Pending": "follower",
    "Follower": "follower",
    "PreVoteCandidate": "pre_candidate",
    "Candidate": "candidate",
    "Leader": "leader",
}

CALL: Final = "append_entries_call"
TYPES: Final[Mapping[str | int, MessageType]] = {
    0: CALL,
    1: "append_entries_reply",
    3: "request_vote_call",
    4: "request_vote_reply",
    "raft_append_entries": CALL,
    "raft_append_entries_response": "append_entries_reply",
    "raft_request_vote": "request_vote_call",
    "raft_request_vote_response": "request_vote_reply",
}
"""By number in the older version.  Others, such as pre-votes, decide nothing that is judged."""


class State(Foreign):
    node_id: str | None = None
    my_node_id: str | None = None
    current_view: Integer
    last_idx: Integer
    commit_idx: Integer
    leadership_state: str | None = None


class Packet(Foreign):
    msg: str | int
    term: Integer | None = None
    prev_idx: Integer | None = None
    prev_term: Integer | None = None
    idx: Integer | None = None
    term_of_idx: Integer | None = None
    leader_commit_idx: Integer | None = None
    last_log_idx: Integer | None = None
    success: str | int | None = None
    last_committable_idx: Integer | None = None
    term_of_last_committable_idx: Integer | None = None
    vote_granted: bool | None = None


class Configuration(Foreign):
    nodes: dict[str, Any]


class Arguments(Foreign):
    configuration: Configuration | None = None


class Event(Foreign):
    function: str


class Body(Foreign):
    function: str | None = None
    event: Event | None = None
    state: State | None = None
    leadership: str | None = None
    packet: Packet | None = None
    paket: Packet | None = None
    from_node_id: str | None = None
    to_node_id: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    configurations: tuple[Configuration, ...] | None = None
    new_configuration: Configuration | None = None
    args: Arguments | None = None
    nodes: dict[str, Any] | None = None

    @property
    def added(self) -> dict[str, Any] | None:
        """The nodes of a configuration that is added, wherever the version has them."""
        if self.args is not None and self.args.configuration is not None:
            return self.args.configuration.nodes
        return self.nodes if self.new_configuration is None else self.new_configuration.nodes


class Line(Foreign):
    tag: Literal["raft_trace", "tla"]
    msg: Body | None = None
    cmd: str | None = None
    """A command to the driver that runs the nodes; versions before have it in `msg`."""

    @model_validator(mode="after")
    def _check(self) -> Line:
        if self.msg is None and self.cmd is None:
            raise problem("msg is missing", "that field")
        return self


class Ccf(Importer[Line]):
    NAME: ClassVar[str] = "ccf"
    LINE = Line

    @classmethod
    def sniff(cls, first: Mapping[str, Any]) -> str | None:
        if not (isinstance(first.get("msg"), dict) or isinstance(first.get("cmd"), str)):
            return None
        match first.get("tag"):
            case "raft_trace":
                return "CCF (raft_trace)"
            case "tla":
                return "CCF (tla)"
        return None

    @property
    def capabilities(self) -> Capabilities:
        # A heartbeat is a call without entries.
        kinds: tuple[MessageType, ...] = (
            CALL,
            "append_entries_reply",
            "heartbeat_call",
            "heartbeat_reply",
            "request_vote_call",
        )
        every: tuple[MessageType, ...] = (*kinds, "request_vote_reply")
        return Capabilities(
            sends=every if self.version == "CCF (tla)" else kinds,
            receipts=every,
            state="before",
            order="all",
            durability="unknown",
            entries="terms",
            numbers=False,
            configuration="append",
            changes="joint",
            votes="none",
            compared="committable",
            complete=True,
        )

    def read(self, line: Line) -> dict[str, Any] | None:
        body = line.msg
        if body is None:
            return None
        state, function = body.state, body.event.function if body.event else body.function
        if state is None:
            return None  # a command to the driver that runs the nodes
        name = state.node_id or state.my_node_id
        if function is None or name is None:
            missing = "msg.function" if function is None else "msg.state.node_id"
            raise Refused(f"{missing} is missing", "that field")
        said = body.leadership or state.leadership_state
        if said is not None and said not in ROLES:
            raise Refused(f"the leadership is {shown(said)}", "one of " + ", ".join(ROLES))
        configurations = [one.nodes for one in body.configurations or ()]
        if function == "add_configuration" and body.added is not None:
            configurations.append(body.added)
        fields: dict[str, Any] = {
            "node": self.names.id_of(name),
            "role": None if said is None else ROLES[said],
            "current_term": state.current_view,
            "commit_index": state.commit_idx,
            "last_index": state.last_idx,
            "voters": self.voters(configurations) or None,
        }
        packet = body.packet or body.paket
        kind = None if packet is None else TYPES.get(packet.msg)
        if packet is not None and kind is not None:
            self._note(function, name, body, packet, kind, fields)
        return fields

    def _note(
        self,
        function: str,
        name: str,
        body: Body,
        packet: Packet,
        kind: MessageType,
        fields: dict[str, Any],
    ) -> None:
        sender, to = body.from_node_id or body.from_, body.to_node_id or body.to
        if function.startswith("recv_"):
            if sender is None:
                raise Refused("msg.from_node_id is missing", "that field")
            fields["received"] = self._message(packet, kind, sender, name)
        elif function.startswith("send_"):
            if to is None:
                raise Refused("msg.to_node_id is missing", "that field")
            fields["sent"] = (self._message(packet, kind, name, to),)

    def _message(self, packet: Packet, kind: MessageType, sender: str, to: str) -> SeenMessage:
        seen: dict[str, Any] = {
            "type": kind,
            "sender": self.names.id_of(sender),
            "to": self.names.id_of(to),
            "term": _given(packet, "term"),
        }
        match kind:
            case "append_entries_call":
                first, last = _given(packet, "prev_idx"), _given(packet, "idx")
                if last < first:
                    raise Refused(f"msg.packet.idx is {last}", f"not below prev_idx, {first}")
                seen |= {"index": first, "log_term": _given(packet, "prev_term")}
                seen |= {"entries": last - first, "entries_term": packet.term_of_idx}
                seen |= {"commit_index": _given(packet, "leader_commit_idx")}
            case "append_entries_reply":
                seen |= {"index": _given(packet, "last_log_idx")}
                seen |= {"granted": _given(packet, "success") in (0, "OK")}
            case "request_vote_call":
                seen |= {"index": _given(packet, "last_committable_idx")}
                seen |= {"log_term": _given(packet, "term_of_last_committable_idx")}
            case _:
                seen |= {"granted": _given(packet, "vote_granted")}
        return message(**seen)


def _given(packet: Packet, name: str) -> Any:
    value = getattr(packet, name)
    if value is None:
        raise Refused(f"msg.packet.{name} is missing", "that field")
    return value
