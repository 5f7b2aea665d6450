"""Transcripts of the interaction tests of etcd-io/raft and of CockroachDB's fork (testdata/*.txt).

Each is a list of commands with what they printed: what a node hands to its user (`Ready`), what
arrives, and what it logs.  Values are printed as they change, so what was shown before still holds.
What happens under `log-level none` is printed nowhere; it may stand before the first event alone.

A `Ready` is durable before its messages are sent.  Storage that writes on its own
(async-storage-writes) sends them elsewhere, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from conformance.importers.etcd import ROLES, TYPES
from conformance.importers.importer import Foreign, Importer, Names, Refused, message
from conformance.trace.errors import shown
from conformance.trace.moments import Capabilities, MessageType, Role, SeenMessage
from conformance.trace.vocabulary import MAX_INTEGER, Position

SAID: Final[Mapping[str, Role]] = {
    "follower": "follower",
    "pre-candidate": "pre_candidate",
    "candidate": "candidate",
    "leader": "leader",
}

SEPARATOR: Final = "----"
HEADER: Final = re.compile(r"> (\d+) (handling Ready|receiving messages|processing \w+ thread)$")
ROLE: Final = re.compile(r"(?:Lead:\d+ )?State:(State\w+)$")
HARD_STATE: Final = re.compile(r"HardState Term:(\d+)(?: Vote:(\d+))?(?: Commit:(\d+))?(?: |$)")
SNAPSHOT: Final = re.compile(r"Snapshot:? Index:(\d+) Term:(\d+) ")
ENTRY: Final = re.compile(r"(\d+)/(\d+) Entry\w+")
QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
ARROW: Final = re.compile(r"(?:dropped: )?\w+->\w+ Msg")
MESSAGE: Final = re.compile(
    r"(dropped: )?([0-9a-f]+)->([0-9a-f]+) (Msg\w+) Term:(\d+) Log:(\d+)/(\d+)"
    r"( Rejected)?(?: \(Hint: \d+\))?(?: Commit:(\d+))?"
)
BECAME: Final = re.compile(r"\w+ ([0-9a-f]+) became ([a-z-]+) at term (\d+)$")
CAMPAIGNS: Final = re.compile(r"\w+ ([0-9a-f]+) is starting a new election at term (\d+)$")
SWITCHED: Final = re.compile(
    r"\w+ ([0-9a-f]+) switched to configuration voters=\(([\d ]*)\)(?:&&\(([\d ]*)\))?"
)
ENDS: Final = re.compile(
    r"\w+ ([0-9a-f]+) \[logterm: (\d+), index: (\d+)(?:, vote: \d+)?\] \w+ Msg(?:Pre)?Vote "
)
"""Who asks for a vote, or is asked, says where its log ends."""
STARTED: Final = re.compile(
    r"\w+ newRaft ([0-9a-f]+) \[peers: \[[^\]]*\], term: (\d+), commit: (\d+), applied: \d+, "
    r"lastindex: (\d+), lastterm: (\d+)\]"
)

PRINTED: Final = frozenset({"debug", "info"})
"""The log levels at which all is printed that is read here."""
LOOKS: Final = frozenset({"log-level", "raft-log", "raft-state", "status"})
"""Commands by which nothing happens."""


class Text(Foreign):
    text: str


@dataclass(slots=True)
class _Node:
    """What is known of a node, once it `is_up`; `voters` are () where they have become unknown."""

    is_up: bool = False
    role: Role | None = None
    term: int | None = None
    vote: str | None = None
    commit: int | None = None
    last: Position | None = None
    snapshot: Position | None = None
    voters: tuple[tuple[str, ...], ...] | None = None


@dataclass(slots=True)
class _Message:
    """One that is being read; it may go on over several lines."""

    kind: str
    sender: str
    to: str
    term: int
    position: Position
    rejected: bool
    commit: int
    is_sent: bool
    is_dropped: bool
    entries: int = 0
    entries_term: int | None = None

    def take(self, text: str) -> None:
        """The entries that a line has, in it or alone."""
        for term, _ in ENTRY.findall(QUOTED.sub('""', text)):
            self.entries += 1
            self.entries_term = _number(term)


class Rafttest(Importer[Text]):
    NAME: ClassVar[str] = "rafttest"
    LINE = Text

    def __init__(self, version: str, names: Names) -> None:
        super().__init__(version, names)
        self._nodes: dict[str, _Node] = {}
        self._level = "debug"
        self._commands: list[str] | None = []
        """Those that are being read; None within what they printed."""
        self._section = ""
        """Of what a Ready prints: entries, or messages; else messages arrive."""
        self._at: str | None = None
        """The node whose Ready is printed."""
        self._is_due = False
        """Whether it has shown something that is in no moment yet."""
        self._commit: int | None = None
        """Its commit index, which holds once the entries are there that follow it."""
        self._open: _Message | None = None
        self._has_moments = self._has_output = False

    @classmethod
    def sniff(cls, first: Mapping[str, Any]) -> str | None:
        return None  # a comment, as a rule

    @property
    def capabilities(self) -> Capabilities:
        every: tuple[MessageType, ...] = tuple(TYPES.values())
        return Capabilities(
            sends=every,
            receipts=every,
            state="before",
            order="all",
            durability="assumed",
            entries="terms",
            numbers=False,
            configuration="apply",
            changes="both",
            votes="stored",
            compared="last",
            complete=False,  # what was printed nowhere may have been sent
        )

    def parse(self, line: bytes) -> Text:
        try:
            return Text(text=line.decode())
        except UnicodeDecodeError:
            raise Refused("the line is no UTF-8", "text") from None

    def end(self) -> dict[str, Any] | None:
        if not self._has_output:
            raise Refused("no command with what it printed", "a transcript of interaction tests")
        return self._flush()

    def read(self, line: Text) -> dict[str, Any] | None:
        text = line.text.strip()
        if self._open is not None:
            return self._continue(self._open, text)
        if not text:
            self._commands = self._commands if self._commands == [] else []
            return self._end_block(None)
        if self._commands is not None:
            if text == SEPARATOR:
                self._begin_output(self._commands)
            elif not text.startswith("#"):
                self._run(text)
                self._commands.append(text)
            return None
        return self._printed(text)

    # Commands

    def _run(self, text: str) -> None:
        command, _, arguments = text.partition(" ")
        if command == "log-level":
            self._level = arguments.strip().lower()
        is_hidden = self._level not in PRINTED or "log-level=" in arguments
        if not is_hidden or command in LOOKS:
            return
        if self._has_moments:
            raise Refused(
                f"{shown(command)} under a log level at which it prints nothing",
                "that before the first event alone",
            )
        if command == "add-nodes":
            count, voters = arguments.split(" ")[0], re.search(r"voters=\(([\d, ]*)\)", arguments)
            names = tuple(re.findall(r"\d+", voters[1])) if voters else ()
            for _ in range(min(_number(count), 99) if count.isdecimal() else 0):
                self._nodes[str(len(self._nodes) + 1)] = _Node(is_up=True, voters=(names,))
        elif command == "propose-conf-change":
            for node in self._nodes.values():
                node.voters = ()

    def _begin_output(self, commands: list[str]) -> None:
        words = commands[-1].split() if commands else []
        self._commands, self._has_output = None, True
        # One node's Ready has no header; a snapshot that a test sends is in none.
        self._at = words[1] if len(words) == 2 and words[0] == "process-ready" else None
        self._section = "messages" if words and words[0] == "send-snapshot" else ""

    # Output

    def _printed(self, text: str) -> dict[str, Any] | None:
        if header := HEADER.match(text):
            if header[2].startswith("processing"):
                raise Refused("storage that writes on its own", "a transcript without")
            return self._end_block(header[1])
        if ARROW.match(text):
            return self._begin_message(text)
        if text.startswith(("INFO ", "DEBUG ", "WARN ", "ERROR ")):
            return self._logged(text)
        if self._at is None:
            return None  # what other commands print
        if text in ("CommittedEntries:", "Messages:"):
            self._section = text[:-1].lower()
            return self._flush()
        if text == "Entries:":
            self._section = "entries"
            return None
        return self._ready(self._of(self._at), text)

    def _ready(self, node: _Node, text: str) -> dict[str, Any] | None:
        """A line of a Ready but for its messages."""
        if self._section == "entries" and (entry := ENTRY.match(text)):
            node.last = _position(entry[1], entry[2])
            return self._moment(self._at)
        if role := ROLE.match(text):
            if role[1] not in ROLES:
                raise Refused(f"the state is {shown(role[1])}", "one of " + ", ".join(ROLES))
            node.role, self._is_due = ROLES[role[1]], True
        elif hard := HARD_STATE.match(text):
            node.term, node.vote = _number(hard[1]), hard[2]
            self._commit, self._is_due = _number(hard[3] or "0"), True
        elif snapshot := SNAPSHOT.match(text):
            node.snapshot = node.last = _position(snapshot[2], snapshot[1])
            self._is_due = True
        return None

    def _logged(self, text: str) -> dict[str, Any] | None:
        if started := STARTED.match(text):
            node = self._of(name := _name(started[1]))
            node.is_up = True
            node.role, node.term, node.vote = "follower", _number(started[2]), None
            node.commit = _number(started[3])
            node.last = _position(started[5], started[4])
            return self._moment(name, came_up=True)
        if switched := SWITCHED.match(text):
            name, sets = _name(switched[1]), [switched[2], switched[3]]
            self._of(name).voters = tuple(tuple(one.split()) for one in sets if one) or ((),)
            return self._flush() or self._moment(name)
        if ends := ENDS.match(text):
            self._of(name := _name(ends[1])).last = _position(ends[2], ends[3])
            return self._moment(name)
        if (campaigns := CAMPAIGNS.match(text)) and self._of(_name(campaigns[1])).term is None:
            # What arrives in its next term is all printed.
            self._of(name := _name(campaigns[1])).term = _number(campaigns[2])
            return self._moment(name)
        if became := BECAME.match(text):
            role, term = SAID.get(became[2]), _number(became[3])
            if role is None:
                raise Refused(f"became {shown(became[2])}", "one of " + ", ".join(SAID))
            node = self._of(name := _name(became[1]))
            if node.term != term:
                node.vote = name if role == "candidate" else None
            node.role, node.term = role, term
            return self._flush() or self._moment(name)
        return None

    def _end_block(self, at: str | None) -> dict[str, Any] | None:
        moment = self._flush()
        self._at, self._section = at, ""
        return moment

    def _flush(self) -> dict[str, Any] | None:
        """What the latest Ready has shown, if that is in no moment yet."""
        if not self._is_due or self._at is None:
            return None
        if self._commit is not None:
            self._of(self._at).commit, self._commit = self._commit, None
        self._is_due = False
        return self._moment(self._at)

    # Messages

    def _begin_message(self, text: str) -> dict[str, Any] | None:
        if "Thread" in text:
            raise Refused("storage that writes on its own", "a transcript without")
        parts = MESSAGE.match(text)
        if parts is None:
            raise Refused(f"the message {shown(text)}", "from->to Type Term:N Log:TERM/INDEX ...")
        dropped, sender, to, kind, term, log_term, index, rejected, commit = parts.groups()
        one = _Message(
            kind,
            _name(sender),
            _name(to),
            _number(term),
            _position(log_term, index),
            rejected is not None,
            _number(commit or "0"),
            self._section == "messages",
            dropped is not None,
        )
        one.take(text)
        if QUOTED.sub('""', text).endswith("Entries:[") or (
            kind == "MsgSnap" and not self._has_snapshot(one, text)
        ):
            self._open = one
            return None
        return self._finish(one)

    def _continue(self, one: _Message, text: str) -> dict[str, Any] | None:
        if one.kind == "MsgSnap":
            if not self._has_snapshot(one, text):
                raise Refused(f"after a snapshot's message {shown(text)}", "Snapshot: Index:N ...")
        elif text != "]":
            if not ENTRY.match(text):
                raise Refused(f"among a message's entries {shown(text)}", "TERM/INDEX Entry...")
            one.take(text)
            return None
        self._open = None
        return self._finish(one)

    def _has_snapshot(self, one: _Message, text: str) -> bool:
        snapshot = SNAPSHOT.search(text)
        if snapshot is not None:
            one.position = _position(snapshot[2], snapshot[1])
        return snapshot is not None

    def _finish(self, one: _Message) -> dict[str, Any] | None:
        kind = TYPES.get(one.kind)
        if kind is None or one.is_dropped:
            return None
        if one.is_sent:
            return self._moment(one.sender, sent=(self._seen(one, kind),))
        return self._moment(one.to, received=self._seen(one, kind))

    def _seen(self, one: _Message, kind: MessageType) -> SeenMessage:
        index, log_term = one.position.index, one.position.term
        seen: dict[str, Any] = {
            "type": kind,
            "sender": self.names.id_of(one.sender),
            "to": self.names.id_of(one.to),
            "term": one.term,
        }
        match kind:
            case "request_vote_call" | "install_snapshot_call":
                seen |= {"index": index, "log_term": log_term}
            case "request_vote_reply":
                seen |= {"granted": not one.rejected}
            case "append_entries_call":
                seen |= {"index": index, "log_term": log_term, "commit_index": one.commit}
                seen |= {"entries": one.entries, "entries_term": one.entries_term}
            case "append_entries_reply":
                seen |= {"index": index, "granted": not one.rejected}
            case "heartbeat_call":
                seen |= {"commit_index": one.commit}
        return message(**seen)

    # Nodes

    def _of(self, name: str) -> _Node:
        if name not in self._nodes:
            self.names.id_of(name)  # which refuses too many
            self._nodes[name] = _Node()
        return self._nodes[name]

    def _moment(self, name: str | None, **more: Any) -> dict[str, Any] | None:
        """All that is known of a node; None of one that has not come up yet."""
        if name is None:
            return None
        node = self._of(name)
        if not node.is_up:
            return None
        self._has_moments = True
        return {
            "node": self.names.id_of(name),
            "role": node.role,
            "current_term": node.term,
            "voted_for": None if node.vote is None else self.names.id_of(node.vote),
            "commit_index": node.commit,
            "last_index": None if node.last is None else node.last.index,
            "last_term": None if node.last is None else node.last.term,
            "snapshot_position": node.snapshot,
            "voters": None if node.voters is None else self.voters(node.voters),
            **more,
        }


def _number(text: str) -> int:
    value = int(text) if len(text) <= 20 else MAX_INTEGER + 1
    if value > MAX_INTEGER:
        raise Refused(f"the number {shown(text)}", f"0 to {MAX_INTEGER}")
    return value


def _position(term: str, index: str) -> Position:
    return Position(term=_number(term), index=_number(index))


def _name(text: str) -> str:
    """Messages and logs have ids in hexadecimal, all else in decimal."""
    if len(text) > 16:
        raise Refused(f"the node {shown(text)}", "an id of 64 bits")
    return str(int(text, 16))
