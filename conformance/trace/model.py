"""The lines of a trace: its header and its records; and those of the subject protocol.

What a line is made of is in `conformance.trace.vocabulary` and `conformance.trace.checkpoint`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from conformance.trace.checkpoint import Snapshot
from conformance.trace.moments import Capabilities
from conformance.trace.vocabulary import (
    LIMITS,
    MAX_INTEGER,
    Actions,
    Config,
    Entries,
    Integer,
    Log,
    Message,
    Model,
    NodeId,
    NodeIds,
    OptionalLimits,
    Position,
    check_total,
    count,
    not_null,
    optional,
    problem,
)

FORMAT: Final = "raftbare-trace"
VERSION: Final = 1


def _integer(value: object) -> object:
    """`Literal[1]` alone takes 1.0 and true."""
    if type(value) is not int:
        raise problem(f"is {json.dumps(value)[:60]}", "1")
    return value


BEGINNINGS: Final = ("start", "restart", "checkpoint")
"""The events that say all of a node's state, with one of which its records in a file begin."""

OptionalInteger: TypeAlias = Annotated[Integer | None, AfterValidator(not_null)]
OptionalPosition: TypeAlias = Annotated[Position | None, AfterValidator(not_null)]
OptionalConfig: TypeAlias = Annotated[Config | None, AfterValidator(not_null)]
OptionalActions: TypeAlias = Annotated[Actions | None, AfterValidator(not_null)]


class Header(Model):
    """The first line of a trace."""

    format: Literal["raftbare-trace"] = Field(description="The name of this format.")
    version: Annotated[Literal[1], BeforeValidator(_integer)] = Field(
        description="The version of this format."
    )
    implementation: str = Field(description="What was recorded, and which version of it.")
    nodes: Annotated[int, Field(ge=1, le=MAX_INTEGER)] = Field(
        description="How many nodes' records the trace was made for; nothing is judged by it."
    )
    cluster: Annotated[str | None, AfterValidator(not_null)] = optional(
        "A name of the cluster: files of different ones are not judged together."
    )
    capabilities: Annotated[Capabilities | None, AfterValidator(not_null)] = optional(
        "What the recorder of another implementation notes; then the lines that follow are moments."
    )
    names: Annotated[dict[str, NodeId] | None, AfterValidator(not_null)] = optional(
        "What the recorded system calls its nodes, where that is no number."
    )


# Events


class Start(Model):
    """A node that has never run before comes up."""

    OUTCOMES: ClassVar = ("null",)
    kind: Literal["start"]
    limits: OptionalLimits = optional(LIMITS)


class Restart(Model):
    """A node comes up again with what its disk holds."""

    OUTCOMES: ClassVar = ("null", "false")
    kind: Literal["restart"]
    current_term: Integer = Field(description="The term on the disk.")
    voted_for: NodeId | None = Field(description="The vote on the disk, or null for none.")
    log: Log = Field(description="The log on the disk.")
    limits: OptionalLimits = optional(LIMITS)


class CreateCluster(Model):
    """The node is asked to found a cluster."""

    OUTCOMES: ClassVar = ("position", "null")
    kind: Literal["create_cluster"]
    voters: NodeIds = Field(description="The founding voters, in ascending order.")


class ProposeCommand(Model):
    """The node is asked to append a command."""

    OUTCOMES: ClassVar = ("position", "null")
    kind: Literal["propose_command"]


class ProposeConfig(Model):
    """The node is asked to change the membership."""

    OUTCOMES: ClassVar = ("position", "null")
    kind: Literal["propose_config"]
    config: Config = Field(description="The proposed configuration.")


class Heartbeat(Model):
    """The node is asked to show that it leads.

    Recordings of releases before confirmed reads have the outcome true.
    """

    OUTCOMES: ClassVar = ("called", "true", "false")
    kind: Literal["heartbeat"]


class StepDown(Model):
    """A leader is asked to lead no more."""

    OUTCOMES: ClassVar = ("true", "false")
    kind: Literal["step_down"]


class TransferLeadership(Model):
    """A leader is asked to hand over, and to take no proposals meanwhile."""

    OUTCOMES: ClassVar = ("true", "false")
    kind: Literal["transfer_leadership"]
    to: NodeId = Field(description="The node that is to lead.")


class CancelTransfer(Model):
    """A leader is asked to take proposals again."""

    OUTCOMES: ClassVar = ("true", "false")
    kind: Literal["cancel_transfer"]


class TimeoutNow(Model):
    """The leader's user has asked the node to campaign at once."""

    OUTCOMES: ClassVar = ("null",)
    kind: Literal["timeout_now"]
    term: Integer = Field(description="The term of that leader.")


class ElectionTimeout(Model):
    """The node's election timer has run out."""

    OUTCOMES: ClassVar = ("null",)
    kind: Literal["election_timeout"]


class Receive(Model):
    """A message arrives."""

    OUTCOMES: ClassVar = ("null", "false")
    kind: Literal["message"]
    message: Message = Field(description="The message, as it was sent.")


class SnapshotInstalled(Model):
    """A snapshot, of the node's own making or a leader's, has been made durable."""

    OUTCOMES: ClassVar = ("true", "false")
    kind: Literal["snapshot_installed"]
    position: Position = Field(description="The last position that the snapshot covers.")
    config: Config = Field(description="The membership as of that position.")


class Checkpoint(Model):
    """No input to the node: the recorder writes down all of the node's state."""

    OUTCOMES: ClassVar = ("null",)
    kind: Literal["checkpoint"]
    snapshot: Snapshot = Field(description="All of the node's state.")


Input: TypeAlias = (
    Start
    | Restart
    | CreateCluster
    | ProposeCommand
    | ProposeConfig
    | Heartbeat
    | ElectionTimeout
    | StepDown
    | TransferLeadership
    | CancelTransfer
    | TimeoutNow
    | Receive
    | SnapshotInstalled
)
"""The events that are something done to a node: all but `Checkpoint`."""

InputEvent: TypeAlias = Annotated[Input, Field(discriminator="kind")]
Event: TypeAlias = Annotated[Input | Checkpoint, Field(discriminator="kind")]


class Called(Model):
    """`called`: what a leader tells of a heartbeat."""

    seqno: Integer = Field(description="The lowest number that a call made after this has.")


# left_to_right: the first that fits is the only one that does.
Outcome: TypeAlias = Annotated[bool | Position | Called | None, Field(union_mode="left_to_right")]


def name_of_outcome(outcome: Outcome) -> str:
    """How `OUTCOMES` calls it."""
    if outcome is None:
        return "null"
    if isinstance(outcome, Called):
        return "called"
    return str(outcome).lower() if isinstance(outcome, bool) else "position"


def check_outcome(event: Event, outcome: Outcome) -> None:
    """Refuse an outcome that the event cannot have, whatever the implementation did."""
    if name_of_outcome(outcome) not in event.OUTCOMES:
        raise problem(
            f"the outcome of {event.kind} is {name_of_outcome(outcome)}",
            " or ".join(event.OUTCOMES),
        )


class State(Model):
    """What a node shows of itself after an event."""

    role: Literal["follower", "candidate", "leader"] = Field(description="Its role.")
    current_term: Integer = Field(description="Its term.")
    voted_for: NodeId | None = Field(description="Its vote in this term, or null for none.")
    commit_index: Integer = Field(description="Its commit index.")
    last_position: Position = Field(description="The last position of its log.")
    snapshot_position: Position = Field(description="The last position of its log's snapshot.")
    config: Config = Field(description="The last configuration in its log, committed or not.")
    leader: NodeId | None = Field(
        default=None,
        description="Who is known to lead this term, or null; "
        "absent where the implementation does not tell.",
    )
    confirmed: Annotated[Integer | None, AfterValidator(not_null)] = optional(
        "The largest number that a quorum has answered a leader's calls of this term with, or one "
        "above it, the leader itself counted for its next call; absent where the node does not "
        "lead, or the implementation does not tell."
    )


class Change(Model):
    """What a node shows of itself after an event, as far as it is not what it showed before.

    A field that is left out is as after the node's record before.
    """

    role: Annotated[Literal["follower", "candidate", "leader"] | None, AfterValidator(not_null)] = (
        optional("Its role.")
    )
    current_term: OptionalInteger = optional("Its term.")
    voted_for: NodeId | None = Field(default=None, description="Its vote, or null for none.")
    commit_index: OptionalInteger = optional("Its commit index.")
    last_position: OptionalPosition = optional("The last position of its log.")
    snapshot_position: OptionalPosition = optional("The last position of its log's snapshot.")
    config: OptionalConfig = optional("The last configuration in its log.")
    leader: NodeId | None = Field(
        default=None, description="Who is known to lead this term, or null."
    )
    confirmed: Integer | None = Field(
        default=None, description="As in a state, or null where that would have none."
    )


class Record(Model):
    """One event at one node, and all that came of it."""

    node: NodeId = Field(description="The node.")
    seq: Annotated[int, Field(ge=1, le=MAX_INTEGER)] = Field(
        description="The record's number among this node's, counted from 1 without gaps."
    )
    time: Annotated[float | None, AfterValidator(not_null)] = optional(
        "Seconds on some clock; for people, nothing is judged by it."
    )
    event: Event = Field(description="What happened.")
    outcome: Outcome = Field(description="What the caller was told.")
    actions: OptionalActions = optional(
        "The actions that were executed right after the event, in order; "
        "absent where nothing was drained and what was owed stays pending."
    )
    state: Annotated[State | None, AfterValidator(not_null)] = optional(
        "The node's state after the event; absent where `changed` says it."
    )
    changed: Annotated[Change | None, AfterValidator(not_null)] = optional(
        "In place of `state`: what of it has changed since the node's record before."
    )

    @model_validator(mode="after")
    def _check(self) -> Record:
        event = self.event
        check_outcome(event, self.outcome)
        if self.state is None and self.changed is None:
            raise problem("no state", "state, or changed")
        if self.changed is not None:
            if self.state is not None:
                raise problem("state and changed", "one of them")
            if event.kind in BEGINNINGS:
                raise problem(f"changed after a {event.kind}", "state")
        if event.kind == "checkpoint":
            snapshot = event.snapshot
            if snapshot.role == "leader" and snapshot.leader != self.node:
                raise problem(f"leader {snapshot.leader} at node {self.node}", "the node itself")
        check_total(entries_in(self))
        return self


def entries_in(record: Record) -> int:
    """How many entries all its lists stand for together."""
    return sum(map(count, _entry_lists(record.event, record.actions or ())))


def _entry_lists(event: Event, actions: Actions) -> Iterator[Entries]:
    """All the lists of entries in a record."""
    # By tag and not by isinstance, which is slow for pydantic's classes.
    if event.kind == "message":
        if event.message.type == "append_entries_call":
            yield event.message.entries
    elif event.kind == "restart":
        yield event.log.entries
    elif event.kind == "checkpoint":
        yield event.snapshot.log.entries
        yield event.snapshot.disk.log.entries
        actions = (*event.snapshot.pending, *actions)
    for action in actions:
        if action.type == "append_log_entries":
            yield action.entries
        elif (
            action.type in ("broadcast_message", "send_message")
            and action.message.type == "append_entries_call"
        ):
            yield action.message.entries


# The subject protocol

SUBJECT: Final = "raftbare-subject"

Feature: TypeAlias = Literal[
    "restarts",
    "snapshots",
    "changes",
    "joint_changes",
    "non_voters",
    "heartbeat",
    "step_down",
    "transfer",
    "limits",
    "timers",
    "refusals",
    "large_numbers",
    "duplicates",
    "reordering",
]
"""What a subject may lack; FORMAT.md says what each is."""
FEATURES: Final[tuple[str, ...]] = get_args(Feature)


class Offer(Model):
    """The harness's first line: the versions of the protocol that it speaks."""

    format: Literal["raftbare-subject"] = Field(description="The name of the protocol.")
    versions: tuple[Integer, ...] = Field(description="The versions, the preferred one first.")


class Hello(Model):
    """The subject's answer to the offer."""

    format: Literal["raftbare-subject"] = Field(description="The name of the protocol.")
    version: Integer = Field(description="The one of the offered versions that it will speak.")
    implementation: str = Field(description="What is put to the test, and which version of it.")
    lacks: tuple[Feature, ...] = Field(
        description="What the harness is not to ask of it, by the names in the table below."
    )


class Request(Model):
    """What the harness asks of a subject."""

    node: NodeId = Field(description="The node that is meant.")
    event: Annotated[InputEvent | None, AfterValidator(not_null)] = optional(
        "The event that happens to it, never a checkpoint; absent where it is drained alone."
    )
    drain: Annotated[bool | None, AfterValidator(not_null)] = optional(
        "False where pending actions are to stay pending; absent means true."
    )

    @model_validator(mode="after")
    def _check(self) -> Request:
        if self.event is None and self.drain is False:
            raise problem("neither an event nor a drain", "one of them, or both")
        return self


class Answer(Model):
    """What a subject answers."""

    outcome: Outcome = Field(description="What the caller is told; null where there is no event.")
    actions: OptionalActions = optional(
        "The actions that were pending, in order of execution; "
        "absent where the request said not to drain."
    )
    state: State = Field(description="The node's state after the event, and after the drain.")
