"""Records of a trace as values of the specification, read without the models.

Nothing but numbers is validated here.  Who uses this writes what was read as text again (`text`):
if that is the line that was read, the models take the line, with the same values.  Whatever else
was read, or raised (`UNDECIDED`), is left to the models.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any, Final

from conformance.observe.observed import Observed, RecordedOutcome
from spec import values as v

BOUND: Final = 2**62
"""Larger numbers are left to the models, which take those below 2**64: what the specification adds
to one below this stays within theirs."""

MAX_ENTRIES: Final = 2**16
"""Longer lists of entries are left to the models, which bound those of a record together."""


UNDECIDED: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    StopIteration,
)
"""What reading, or a rule, raises at a record that is no such record."""


class Reader:
    """Makes the values; as a rule one object for equal configurations, and for equal commands."""

    def __init__(self) -> None:
        self.entries_read = 0
        self._configs: dict[tuple[tuple[int, ...], ...], v.Config] = {}
        self._commands: dict[int, v.Entry] = {}

    def event(self, plain: dict[str, Any]) -> v.Event:
        """Of the events of a node that runs."""
        kind: str = plain["kind"]
        if kind == "message":
            return v.Receive(self.message(plain["message"]))
        if kind == "propose_command":
            return v.ProposeCommand()
        if kind == "election_timeout":
            return v.ElectionTimeout()
        if kind == "heartbeat":
            return v.Heartbeat()
        if kind == "step_down":
            return v.StepDown()
        if kind == "transfer_leadership":
            return v.TransferLeadership(number(plain["to"]))
        if kind == "cancel_transfer":
            return v.CancelTransfer()
        if kind == "timeout_now":
            return v.TimeoutNow(number(plain["term"]))
        if kind == "snapshot_installed":
            return v.SnapshotInstalled(position(plain["position"]), self.config(plain["config"]))
        if kind == "propose_config":
            return v.ProposeConfig(self.config(plain["config"]))
        if kind == "create_cluster":
            return v.CreateCluster(frozenset(ids(plain["voters"])))
        raise ValueError(kind)

    def message(self, plain: dict[str, Any]) -> v.Message:
        kind: str = plain["type"]
        sender, term, seqno = number(plain["from"]), number(plain["term"]), number(plain["seqno"])
        if kind == "append_entries_call":
            prev = position(plain["prev_position"])
            entries = self.entries(prev.term, plain["entries"])
            commit = number(plain["commit_index"])
            return v.AppendEntriesCall(sender, term, seqno, commit, prev, entries)
        if kind == "append_entries_reply":
            last, accepted = position(plain["last_position"]), plain["accepted"] is True
            return v.AppendEntriesReply(sender, term, seqno, last, accepted)
        if kind == "request_vote_call":
            last = position(plain["last_position"])
            return v.RequestVoteCall(sender, term, seqno, last, "transfer" in plain)
        if kind == "request_vote_reply":
            return v.RequestVoteReply(sender, term, seqno, plain["vote_granted"] is True)
        raise ValueError(kind)

    def entries(self, term: v.Term, items: list[dict[str, Any]]) -> tuple[v.Entry, ...]:
        """The entries that follow one of `term`."""
        if not items:
            return ()
        if len(items) == 1 and items[0].get("commands") == 1:
            self.entries_read += 1
            return (self._command(term),)
        entries: list[v.Entry] = []
        for item in items:
            if "commands" in item:
                count = number(item["commands"])
                if len(entries) + count > MAX_ENTRIES:
                    raise ValueError("many entries")
                entries.extend([self._command(term)] * count)
            elif "term" in item:
                term = number(item["term"])
                entries.append(v.Entry(term, v.TERM))
            else:
                entries.append(v.Entry(term, self.config(item["config"])))
        if len(entries) > MAX_ENTRIES:
            raise ValueError("many entries")
        self.entries_read += len(entries)
        return tuple(entries)

    def _command(self, term: v.Term) -> v.Entry:
        command = self._commands.get(term)
        if command is None:
            if len(self._commands) >= 1024:
                self._commands.clear()
            command = self._commands[term] = v.Entry(term, v.COMMAND)
        return command

    def config(self, plain: dict[str, Any]) -> v.Config:
        voters, new_voters = tuple(plain["voters"]), tuple(plain["new_voters"])
        key = voters, new_voters, tuple(plain["non_voters"])
        config = self._configs.get(key)
        if config is None:
            if len(self._configs) >= 64:
                self._configs.clear()
            parts = [frozenset(ids(part)) for part in key]
            config = self._configs[key] = v.Config(parts[0], parts[1], parts[2])
        return config

    def actions(self, plain: list[dict[str, Any]]) -> tuple[v.Action, ...]:
        return tuple([self.action(one) for one in plain])

    def action(self, plain: dict[str, Any]) -> v.Action:
        kind: str = plain["type"]
        if kind == "set_election_timeout":
            return v.SetElectionTimeout()
        if kind == "send_message":
            return v.SendMessage(number(plain["to"]), self.message(plain["message"]))
        if kind == "broadcast_message":
            to = ids(plain["to"])
            if len(set(to)) != len(to):  # what is written is sorted, but all of it
                raise ValueError("a node twice")
            return v.BroadcastMessage(self.message(plain["message"]), tuple(to))
        if kind == "append_log_entries":
            prev = position(plain["prev_position"])
            return v.AppendLogEntries(prev, self.entries(prev.term, plain["entries"]))
        if kind == "save_current_term":
            return v.SaveCurrentTerm(number(plain["term"]))
        if kind == "save_voted_for":
            return v.SaveVotedFor(number_or_none(plain["voted_for"]))
        if kind == "install_snapshot":
            return v.InstallSnapshot(number(plain["to"]))
        raise ValueError(kind)

    def outcome(self, event: v.Event, plain: object) -> RecordedOutcome:
        """False for any refusal.  ValueError for what this event cannot come to."""
        is_proposal = isinstance(event, (v.ProposeCommand, v.ProposeConfig, v.CreateCluster))
        answers_nothing = isinstance(event, (v.Receive, v.ElectionTimeout, v.TimeoutNow))
        if plain is None and (is_proposal or answers_nothing):
            return False if is_proposal else None
        if plain is True and not (is_proposal or answers_nothing):
            return True
        if plain is False and not is_proposal:
            if not isinstance(event, (v.ElectionTimeout, v.TimeoutNow)):
                return False
        if isinstance(plain, dict):
            if is_proposal:
                return position(plain)
            if isinstance(event, v.Heartbeat):
                return v.Called(number(plain["seqno"]))
        raise ValueError("another outcome")

    def state(self, plain: dict[str, Any]) -> Observed:
        role: str = plain["role"]
        if role not in ("follower", "candidate", "leader"):
            raise ValueError(role)
        return Observed(
            role,
            number(plain["current_term"]),
            number_or_none(plain["voted_for"]),
            number(plain["commit_index"]),
            position(plain["last_position"]),
            position(plain["snapshot_position"]),
            self.config(plain["config"]),
            number_or_none(plain.get("leader")),
            "leader" in plain,
            number_or_none(plain.get("confirmed")),
        )

    def changed(self, before: Observed, plain: dict[str, Any]) -> Observed:
        """The state of which a record says only what is not as before."""
        role, config = before.role, before.config
        if "role" in plain:
            role = plain["role"]
            if role not in ("follower", "candidate", "leader"):
                raise ValueError(role)
        if "config" in plain:
            config = self.config(plain["config"])
        voted_for, leader, confirmed = before.voted_for, before.leader, before.confirmed
        last, snapshot = before.last_position, before.snapshot_position
        return Observed(
            role,
            number(plain.get("current_term", before.current_term)),
            number_or_none(plain.get("voted_for", voted_for)),
            number(plain.get("commit_index", before.commit_index)),
            position(plain["last_position"]) if "last_position" in plain else last,
            position(plain["snapshot_position"]) if "snapshot_position" in plain else snapshot,
            config,
            number_or_none(plain.get("leader", leader)),
            before.leader_given or "leader" in plain,
            number_or_none(plain.get("confirmed", confirmed)),
        )


def number(plain: object) -> int:
    if not isinstance(plain, int) or not 0 <= plain < BOUND:
        raise ValueError("no number, or a large one")
    return plain


def number_or_none(plain: object) -> int | None:
    return None if plain is None else number(plain)


def ids(plain: Iterable[object]) -> list[int]:
    return [number(one) for one in plain]


def position(plain: dict[str, Any]) -> v.Position:
    return v.Position(number(plain["term"]), number(plain["index"]))


def is_time(text: str) -> bool:
    """Whether this is how a time is written, as seconds."""
    if len(text) > 24:
        return False
    if text.isdecimal():  # of what latin-1 has, that is 0 to 9
        return text[0] != "0"
    value = float(text)
    return isfinite(value) and text == repr(value)
