"""The fast path of the exact level: whether a line is, letter by letter, what is specified.

The event is read from the line, the specification takes it, and all that a trace has to say of that
is written.  If that is the line that was read, the record conforms.  Anything else is not decided
here: a departure, another spelling, an event of which the specification is asked less often.

A line that is written so is one that the models take, for all numbers in it come from events and
nodes that are below `reading.BOUND`, and there are fewer entries than a record may have.
"""

from __future__ import annotations

from typing import Final, final

from pydantic_core import from_json

from conformance.native.reading import BOUND, MAX_ENTRIES, UNDECIDED, Reader, is_time
from conformance.native.text import (
    ACTIONS,
    CHANGED,
    EVENT,
    NODE,
    OUTCOME,
    SEQ,
    STATE,
    TIME,
    action_text,
    changed_text,
    config_text,
    event_text,
    message_of,
    message_text,
    outcome_text,
    receipt_text,
    state_text,
)
from conformance.observe.observed import Observed, observed
from spec import values as v
from spec.cluster import Member, drain, persist, take
from spec.pending import NOTHING

KEPT: Final = 2048
"""So many texts of events are known, twice: those used lately, and those before them."""

MAX_TEXT: Final = 4096
"""Of longer texts none is kept."""


@final
class _Node:
    """A node that is followed here: as the records up to `seq` led it."""

    def __init__(self, node: v.NodeId, seq: int, member: Member, left: int) -> None:
        self.id = node
        self.seq = seq
        self.member = member
        self.left = left
        self.shown = observed(member.node)
        """What the latest record showed."""
        self.config = member.node.config
        self.config_text = config_text(self.config)


@final
class ExactPath:
    """Follows the nodes that it was given, each until it is taken back."""

    def __init__(self) -> None:
        self.events = 0
        """How many records were found to be as specified."""
        self.drains = 0
        self._latest: dict[int, int] = {}
        self._nodes: dict[str, _Node] = {}
        self._reader = Reader()
        self._young: dict[str, v.Event] = {}
        self._old: dict[str, v.Event] = {}

    def open(self, latest: dict[int, int]) -> None:
        """Lines come from another file from now on; `latest` has the latest seq of its nodes."""
        self._latest = latest

    def give(self, node: v.NodeId, seq: int, member: Member, most: int) -> bool:
        """Follow a node, after its record `seq`, for at most so many records.

        That record has shown all of its state.
        """
        state = member.node
        known = max(node, seq, state.current_term, state.log.last_index, state.seqno)
        if known < BOUND:
            self._nodes[str(node)] = _Node(node, seq, member, most)
        return known < BOUND

    def nodes(self) -> list[v.NodeId]:
        """Those that are followed."""
        return [node.id for node in self._nodes.values()]

    def take_back(self, node: v.NodeId) -> tuple[Member, int] | None:
        """What a node has become, by which record; None if it was not followed, as it is now."""
        followed = self._nodes.pop(str(node), None)
        return None if followed is None else (followed.member, followed.seq)

    def shown(self, node: v.NodeId) -> Observed | None:
        """What the latest record of a node has shown; None if it is not followed."""
        followed = self._nodes.get(str(node))
        return None if followed is None else followed.shown

    def take(self, line: bytes) -> bool:
        """Whether the line is the next record of a node that is followed, and as specified."""
        text = line.decode("latin-1")  # what is not ASCII is like nothing that is written here
        end = text.find(",", len(NODE))
        node = self._nodes.get(text[len(NODE) : end])
        if node is None or node.left <= 0:
            return False
        try:
            return self._follow(node, text, end)
        except UNDECIDED:
            return False

    def _follow(self, node: _Node, text: str, at: int) -> bool:
        head = f"{NODE}{node.id}{SEQ}{node.seq + 1}"
        if not text.startswith(head):
            return False
        start = text.find(EVENT, len(head))
        if start != len(head):
            time = text[len(head) : start]
            if not time.startswith(TIME) or not is_time(time[len(TIME) :]):
                return False
        start += len(EVENT)
        end = text.find(OUTCOME, start)
        if end < 0:
            return False
        event = self._event(text[start:end])
        # As `conformance.audit.exact` has it.
        turn = take(node.member, event)
        member = turn.after
        written = OUTCOME + outcome_text(event, turn.outcome)
        if not text.startswith(written, end):
            return False
        drained = text.startswith(ACTIONS, end + len(written))
        if drained:
            actions, drained_node = drain(member)
            disk = member.disk
            for action in actions:
                disk = persist(disk, action)
            member = Member(drained_node, NOTHING, disk)
            written += ACTIONS + self._actions_text(actions) + "]"
        config = member.node.config
        if config is not node.config:
            node.config, node.config_text = config, config_text(config)
        state = observed(member.node)
        if text.startswith(CHANGED, end + len(written)):
            written += f"{CHANGED}{changed_text(node.shown, state, node.config_text)}}}"
        else:
            written += f"{STATE}{state_text(state, node.config_text)}}}"
        if text[end:] != written:
            return False
        node.member, node.shown = member, state
        node.seq += 1
        node.left -= 1
        self._latest[node.id] = node.seq
        self.events += 1
        self.drains += drained
        return True

    def _event(self, text: str) -> v.Event:
        """The event that is written so, and in no other way."""
        known = self._young.get(text)
        if known is None:
            known = self._old.get(text)
            if known is None:
                known = self._reader.event(from_json(text))
                if event_text(known) != text:
                    raise ValueError("another spelling")
            self._keep(text, known)
        return known

    def _keep(self, text: str, event: v.Event) -> None:
        if len(text) > MAX_TEXT:
            return
        if len(self._young) >= KEPT:
            self._old, self._young = self._young, {}
        self._young[text] = event

    def _actions_text(self, actions: tuple[v.Action, ...]) -> str:
        """What is sent here is received elsewhere, and is known by its text then."""
        texts: list[str] = []
        entries = 0
        for action in actions:
            message, text = message_of(action), ""
            if message is not None:
                text = message_text(message)
                self._keep(receipt_text(text), v.Receive(message))
                if isinstance(message, v.AppendEntriesCall):
                    entries += len(message.entries)
            elif isinstance(action, v.AppendLogEntries):
                entries += len(action.entries)
            texts.append(action_text(action, text))
        if entries > MAX_ENTRIES:
            raise ValueError("many entries")
        return ",".join(texts)
