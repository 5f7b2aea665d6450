"""The fast path of the safety level: a line is read without the models, and judged all the same.

What is read is written again, as in `exact`: if that is the line, the models would have read the
same.  What judges it is `conformance.audit.safety`, compiled with this or not.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, final

from pydantic_core import from_json

from conformance.native.reading import MAX_ENTRIES, UNDECIDED, Reader, is_time, number
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
    state_text,
)
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from spec import values as v

SAMPLE: Final = 64
"""One record in so many is left to the models, whatever it is like."""


class Judge(Protocol):
    """The safety audit."""

    def add(self, record: Recorded) -> None: ...


@final
class SafetyPath:
    """Reads lines, and has them judged."""

    def __init__(self, judge: Judge) -> None:
        self.events = 0
        """How many records were read here."""
        self._judge = judge
        self._lines = 0
        self._latest: dict[int, int] = {}
        self._states: dict[int, Observed] = {}
        self._reader = Reader()
        self._config: v.Config | None = None
        self._config_text = ""

    def open(self, latest: dict[int, int]) -> None:
        """Lines come from another file from now on; `latest` has the latest seq of its nodes."""
        self._latest = latest
        self._states = {}

    def add(self, record: Recorded) -> None:
        """Judge a record that the models have read."""
        self._states[record.node] = record.state
        self._judge.add(record)

    def shown(self, node: v.NodeId) -> Observed | None:
        """What the latest record of a node in this file has shown."""
        return self._states.get(node)

    def take(self, line: bytes) -> bool:
        """Whether the line is the next record of a node that has one already, and was judged."""
        self._lines += 1
        if self._lines % SAMPLE == 0:
            return False
        try:
            record = self._read(line)
        except UNDECIDED:
            return False
        self._latest[record.node] = record.seq
        self.events += 1
        self.add(record)
        return True

    def _read(self, line: bytes) -> Recorded:
        reader, plain = self._reader, from_json(line)
        node, seq = number(plain["node"]), number(plain["seq"])
        if self._latest[node] + 1 != seq:
            raise ValueError("not the next one")
        reader.entries_read = 0
        event = reader.event(plain["event"])
        outcome = reader.outcome(event, plain["outcome"])
        drained: Any = plain.get("actions")
        actions = None if drained is None else reader.actions(drained)
        changed: Any = plain.get("changed")
        if changed is None:
            state = reader.state(plain["state"])
        else:
            state = reader.changed(self._states[node], changed)
        if reader.entries_read > MAX_ENTRIES:
            raise ValueError("many entries")
        if state.config is not self._config:
            self._config, self._config_text = state.config, config_text(state.config)
        time = plain.get("time")
        written = f"{NODE}{node}{SEQ}{seq}"
        if time is not None:
            if not is_time(str(time)):
                raise ValueError("no time")
            written += f"{TIME}{time}"
        written += f"{EVENT}{event_text(event)}{OUTCOME}{outcome_text(event, outcome)}"
        if actions is not None:
            written += f"{ACTIONS}{actions_text(actions)}]"
        if changed is None:
            written += f"{STATE}{state_text(state, self._config_text)}}}"
        else:
            written += f"{CHANGED}{changed_text(self._states[node], state, self._config_text)}}}"
        if line.decode("latin-1") != written:
            raise ValueError("another spelling")
        return Recorded(node, seq, event, outcome, actions, state)


def actions_text(actions: tuple[v.Action, ...]) -> str:
    texts: list[str] = []
    for action in actions:
        message = message_of(action)
        texts.append(action_text(action, "" if message is None else message_text(message)))
    return ",".join(texts)
