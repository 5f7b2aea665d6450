"""What a recorder of another implementation noted of its nodes, moment by moment.

A recording whose header has `capabilities` consists of these lines instead of records.  They are
made by the importers; whatever a recorder did not note is left out of them.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from conformance.trace.vocabulary import (
    MAX_INTEGER,
    Integer,
    Model,
    NodeId,
    NodeIds,
    Position,
    not_null,
    optional,
    problem,
)

MessageType: TypeAlias = Literal[
    "request_vote_call",
    "request_vote_reply",
    "append_entries_call",
    "append_entries_reply",
    "heartbeat_call",
    "heartbeat_reply",
    "install_snapshot_call",
]
MessageTypes: TypeAlias = tuple[MessageType, ...]
Role: TypeAlias = Literal["follower", "pre_candidate", "candidate", "leader"]

OptionalInteger: TypeAlias = Annotated[Integer | None, AfterValidator(not_null)]
OptionalId: TypeAlias = Annotated[NodeId | None, AfterValidator(not_null)]
OptionalFlag: TypeAlias = Annotated[bool | None, AfterValidator(not_null)]
OptionalRole: TypeAlias = Annotated[Role | None, AfterValidator(not_null)]
OptionalPosition: TypeAlias = Annotated[Position | None, AfterValidator(not_null)]
Voters: TypeAlias = Annotated[tuple[NodeIds, ...] | None, AfterValidator(not_null)]


class Capabilities(Model):
    """What a recorder notes.  What it does not note is not judged, and the audit says so."""

    sends: MessageTypes = Field(
        description="The messages that are noted where they are sent, all of them: without, "
        "whether a message was ever sent is not judged."
    )
    receipts: MessageTypes = Field(
        description="The messages that are noted where they arrive: without votes elections, and "
        "without replies and calls commitment is not judged."
    )
    state: Literal["before", "middle", "after"] = Field(
        description="Whether a moment in which a message arrives shows the state from before it "
        "is taken in or from after that; middle: sends show it half changed."
    )
    order: Literal["all", "states"] = Field(
        description="all: a node's moments stand in the order in which they happened; states: "
        "what they show of its state does, and an acknowledgement may stand after the commit that "
        "it led to, so it counts wherever it stands."
    )
    durability: Literal["recorded", "assumed", "unknown"] = Field(
        description="Whether it is noted what is on stable storage.  Only where it is recorded "
        "could be judged what was persisted before a reply, or found at a restart; no recorder "
        "that is read so far does."
    )
    entries: Literal["terms", "counts"] = Field(
        description="What is noted of the entries of a call: the term of the last one too, or how "
        "many there are.  The terms of the others follow where terms cannot fall in between."
    )
    numbers: bool = Field(
        description="Whether replies name their calls; without, messages are told by their "
        "contents, and one that is sent twice counts as sent for each receipt."
    )
    configuration: Literal["append", "apply", "unknown"] = Field(
        description="When a new configuration is shown to be in force: once it is in the log, or "
        "once it is applied; where none is shown, quorums are not judged.  A leader shows each one."
    )
    changes: Literal["single", "joint", "both"] = Field(
        description="Whether the configuration changes by one voter at a time or by joint "
        "consensus.  With single, what stands at a new `config_index` is a change of one voter, "
        "shown or not; else what is shown tells."
    )
    votes: Literal["stored", "copied", "none"] = Field(
        description="Whether the vote shown is the stored one.  Another one is no evidence; what "
        "was sent and received is."
    )
    compared: Literal["last", "committable"] = Field(
        description="Which positions votes compare: the last of each log (§5.4.1) or the last "
        "that may be committed; then, who may have a vote is not judged."
    )
    complete: bool = Field(
        description="Whether a node's recording lacks nothing from its first moment to its end: "
        "without, a receipt of the sender's last term is not held against it."
    )


class SeenMessage(Model):
    """A message as far as it was noted."""

    type: MessageType = Field(description="What message it is.")
    from_: NodeId = Field(alias="from", description="The node that sends it.")
    to: NodeId = Field(description="The node that it is for.")
    term: Integer = Field(description="The term that it names.")
    index: OptionalInteger = optional(
        "Of a request for a vote the last index that is compared; of a call with entries the index "
        "before them; of a reply the index acknowledged; of a snapshot its last index."
    )
    log_term: OptionalInteger = optional("The term of the sender's entry at that index.")
    entries: OptionalInteger = optional("How many entries there are.")
    entries_term: OptionalInteger = optional("The term of the last of them.")
    commit_index: OptionalInteger = optional("Up to where the sender tells to commit.")
    granted: OptionalFlag = optional("Of a reply, whether it grants the vote or takes the entries.")


class Moment(Model):
    """What a recorder noted of a node at one moment."""

    node: NodeId = Field(description="The node.")
    seq: Annotated[int, Field(ge=1, le=MAX_INTEGER)] = Field(
        description="The moment's number among this node's, counted from 1 without gaps."
    )
    line: OptionalInteger = optional("Where it stands in the recording that was imported.")
    came_up: Literal[True] | None = Field(
        default=None, description="True where the node has just started, for the first time or not."
    )
    role: OptionalRole = optional("Its role.")
    current_term: OptionalInteger = optional("Its term.")
    voted_for: OptionalId = optional("Its vote in this term; left out for none.")
    commit_index: OptionalInteger = optional("Its commit index.")
    last_index: OptionalInteger = optional("The last index of its log.")
    last_term: OptionalInteger = optional("The term of the entry there.")
    snapshot_position: OptionalPosition = optional("The last position of its snapshot.")
    voters: Voters = optional(
        "Sets of voters, of each of which a quorum is a majority; two in a joint configuration."
    )
    config_index: OptionalInteger = optional(
        "Of a leader, where in its log the last configuration stands, or comes to stand, that may "
        "have other voters than the one before; in force or not."
    )
    received: Annotated[SeenMessage | None, AfterValidator(not_null)] = optional(
        "The message that arrives."
    )
    sent: Annotated[tuple[SeenMessage, ...] | None, AfterValidator(not_null)] = optional(
        "The messages that are sent."
    )

    @model_validator(mode="after")
    def _check(self) -> Moment:
        if self.received is not None and self.received.to != self.node:
            raise problem(f"received is to {self.received.to}", f"{self.node}, the node itself")
        for message in self.sent or ():
            if message.from_ != self.node:
                raise problem(f"sent is from {message.from_}", f"{self.node}, the node itself")
        return self
