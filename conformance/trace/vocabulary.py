"""What the records of a trace are made of: numbers, positions, entries, logs, messages, actions.

`conformance.trace.model` builds the lines of a trace from these.  The docstrings and field
descriptions are the format's documentation: `traces/FORMAT.md` and `traces/schema.json` are
generated from them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from conformance.observe.limits import MAX_COMMANDS as MAX_COMMANDS
from conformance.observe.limits import MAX_INTEGER as MAX_INTEGER


class Model(BaseModel):
    """Strict, immutable, without unknown fields.

    No field has a default but those that a record may leave out, so that `exclude_unset` writes
    exactly what was read.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", serialize_by_alias=True, allow_inf_nan=False
    )


def problem(text: str, expected: str) -> PydanticCustomError:
    """A fault in a value, in the two parts in which `conformance.trace.files` reports it."""
    return PydanticCustomError(
        "trace", "{problem}; expected {expected}", {"problem": text, "expected": expected}
    )


def _ascending(ids: tuple[int, ...]) -> tuple[int, ...]:
    for earlier, later in pairwise(ids):
        if later == earlier:
            raise problem(f"node {later} twice", "each id once")
        if later < earlier:
            raise problem(f"node {later} after node {earlier}", "ids in ascending order")
    return ids


Integer: TypeAlias = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
NodeId: TypeAlias = Integer
NodeIds: TypeAlias = Annotated[
    tuple[NodeId, ...],
    Field(fail_fast=True),
    AfterValidator(_ascending),
]


class Position(Model):
    """A place in a log: an index, and the term of the entry there."""

    term: Integer = Field(description="Term of the entry; 0 where there is none yet.")
    index: Integer = Field(description="Index in the log, counted from 1; 0 is before the log.")


class Config(Model):
    """A cluster's membership. Ids are in ascending order, without repetition."""

    voters: NodeIds = Field(description="The voters, or the old ones while it is joint.")
    new_voters: NodeIds = Field(description="The voters to come; none unless it is joint.")
    non_voters: NodeIds = Field(description="Members that replicate the log and do not vote.")


# Entries: a list of items, read against the position before it


class TermEntry(Model):
    """The entry with which a leader opens its term; later entries are of that term."""

    term: Integer = Field(description="The term; never lower than that of the entry before.")


class ConfigEntry(Model):
    """A configuration, of the term of the entry before it."""

    config: Config = Field(description="The membership, in force from here on.")


class Commands(Model):
    """A run of consecutive commands, of the term of the entry before it."""

    commands: Annotated[int, Field(ge=1, le=MAX_COMMANDS)] = Field(
        description="How many commands there are."
    )


_TAGS: dict[type, str] = {TermEntry: "term", ConfigEntry: "config", Commands: "commands"}


def _entry_tag(value: Any) -> str | None:
    """Which kind of entry an item is; pydantic reports None as an item of no kind."""
    if isinstance(value, dict):
        return next((tag for tag in ("commands", "term", "config") if tag in value), None)
    return "command" if isinstance(value, str) else _TAGS.get(type(value))


Entry: TypeAlias = Annotated[
    Annotated[TermEntry, Tag("term")]
    | Annotated[ConfigEntry, Tag("config")]
    | Annotated[Commands, Tag("commands")]
    | Annotated[Literal["command"], Tag("command")],
    Discriminator(_entry_tag),
]
# fail_fast: a line may hold a million faulty items, of which one is reported.
Entries: TypeAlias = Annotated[tuple[Entry, ...], Field(fail_fast=True)]


def count(entries: Entries) -> int:
    """How many log entries the items stand for."""
    return sum(item.commands if isinstance(item, Commands) else 1 for item in entries)


def check_entries(term: int, entries: Entries) -> None:
    """Refuse items that could not follow an entry of `term`, or are too many."""
    total = 0
    for item in entries:
        if isinstance(item, Commands):
            total += item.commands
            continue
        total += 1
        if isinstance(item, TermEntry):
            if item.term < term:
                raise problem(
                    f"an entry of term {item.term} after one of term {term}",
                    "terms that never fall",
                )
            term = item.term
    check_total(total)


def check_total(total: int) -> None:
    if total > MAX_COMMANDS:
        raise problem(f"{total} entries", f"at most {MAX_COMMANDS}")


T = TypeVar("T")


def not_null(value: T | None) -> T:
    """For a field that may be left out: absence is how to say nothing, null is a mistake."""
    if value is None:
        raise problem("is null", "a value, or no such field")
    return value


class Log(Model):
    """A log: a snapshot of a prefix, and the entries after it."""

    snapshot_position: Position = Field(
        description="The last position that the snapshot covers; zeros where there is none."
    )
    snapshot_config: Config = Field(description="The membership as of that position.")
    entries: Entries = Field(description="The entries that follow, in order.")

    @model_validator(mode="after")
    def _check(self) -> Log:
        check_entries(self.snapshot_position.term, self.entries)
        return self

    @property
    def last_index(self) -> int:
        return self.snapshot_position.index + count(self.entries)


class Limits(Model):
    """What a leader keeps to, as its user has set it."""

    entries: Limit = Field(description="How many entries one call carries at most.")
    calls: Limit = Field(
        description="How many full calls may be under way to a follower that catches up."
    )
    ask_again: Limit = Field(
        description="After how many more calls a snapshot is asked for again, for the same peer."
    )
    uncommitted: Limit | None = Field(
        description="Beyond how many uncommitted entries commands are refused; null: never."
    )


def _never_null(schema: JsonDict) -> None:
    """None in the models means that a field was left out, so the schema must not offer null."""
    choices = schema.pop("anyOf")
    assert isinstance(choices, list)
    assert isinstance(choices[0], dict)
    schema.update(choices[0])


def optional(description: str) -> Any:
    """A field that may be left out, and is never null."""
    return Field(default=None, json_schema_extra=_never_null, description=description)


OptionalLimits: TypeAlias = Annotated[Limits | None, AfterValidator(not_null)]
LIMITS: Final = "What it keeps to when it leads; left out where it is the library's default."


# Messages


class _Message(Model):
    type: str
    sender: NodeId = Field(alias="from", description="The node that sends it.")
    term: Integer = Field(description="The sender's current term.")
    seqno: Integer = Field(
        description="The sequence number that the caller gave; a reply repeats its call's. "
        "The reply to an append entries call of an earlier term has 0."
    )


class RequestVoteCall(_Message):
    """A candidate asks for a vote."""

    type: Literal["request_vote_call"]
    last_position: Position = Field(description="The last position of the candidate's log.")
    transfer: bool = Field(
        default=False,
        description="Whether the leader has asked it to campaign. Left out where it is false.",
    )


class RequestVoteReply(_Message):
    """The answer to a request for a vote."""

    type: Literal["request_vote_reply"]
    vote_granted: bool = Field(description="Whether the candidate has the vote.")


class AppendEntriesCall(_Message):
    """A leader sends entries, or shows that it is alive."""

    type: Literal["append_entries_call"]
    commit_index: Integer = Field(description="The leader's commit index.")
    prev_position: Position = Field(description="The position just before the entries.")
    entries: Entries = Field(description="The entries that follow it; may be none.")

    @model_validator(mode="after")
    def _check(self) -> AppendEntriesCall:
        check_entries(self.prev_position.term, self.entries)
        return self


class AppendEntriesReply(_Message):
    """The answer to a leader's call."""

    type: Literal["append_entries_reply"]
    last_position: Position = Field(description="The last position of the sender's log.")
    accepted: bool = Field(
        default=True,
        description="Whether the log has the position just before the call's entries. "
        "Taken for true where it is left out.",
    )


Message: TypeAlias = Annotated[
    RequestVoteCall | RequestVoteReply | AppendEntriesCall | AppendEntriesReply,
    Field(discriminator="type"),
]


# Actions, in the order in which a drain executes them


class SetElectionTimeout(Model):
    """Arm the election timer anew."""

    type: Literal["set_election_timeout"]


class SaveCurrentTerm(Model):
    """Make the current term durable."""

    type: Literal["save_current_term"]
    term: Integer = Field(description="The term that was saved.")


class SaveVotedFor(Model):
    """Make the vote durable."""

    type: Literal["save_voted_for"]
    voted_for: NodeId | None = Field(description="The vote that was saved, or null for none.")


class BroadcastMessage(Model):
    """Send one message to every other member."""

    type: Literal["broadcast_message"]
    to: NodeIds = Field(description="The nodes that it was sent to, in ascending order.")
    message: Message = Field(description="The message.")


class AppendLogEntries(Model):
    """Make the durable log end with these entries after `prev_position`.

    Whatever the durable log held after `prev_position` is gone. Without entries the durable log
    ends at `prev_position` from now on.
    """

    type: Literal["append_log_entries"]
    prev_position: Position = Field(description="The position just before the entries.")
    entries: Entries = Field(description="The entries that follow it; may be none.")

    @model_validator(mode="after")
    def _check(self) -> AppendLogEntries:
        check_entries(self.prev_position.term, self.entries)
        return self


class SendMessage(Model):
    """Send a message to one node."""

    type: Literal["send_message"]
    to: NodeId = Field(description="The node that it was sent to.")
    message: Message = Field(description="The message.")


class InstallSnapshot(Model):
    """Send one node the snapshot that this node's log begins with."""

    type: Literal["install_snapshot"]
    to: NodeId = Field(description="The node that it was sent to.")


Action: TypeAlias = Annotated[
    SetElectionTimeout
    | SaveCurrentTerm
    | SaveVotedFor
    | BroadcastMessage
    | AppendLogEntries
    | SendMessage
    | InstallSnapshot,
    Field(discriminator="type"),
]
Actions: TypeAlias = Annotated[tuple[Action, ...], Field(fail_fast=True)]
