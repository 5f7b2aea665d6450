"""A state machine whose histories are judged without a search: a list that is only appended to.

Each client appends texts that no other does.  So the list at the end tells in which order all
commands took effect, and each read says by its length where it stands among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from math import inf


class Journal:
    """Commands are texts to append; the answer to any question is the list."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def apply(self, command: bytes) -> bytes:
        self.entries.append(command.decode())
        return str(len(self.entries)).encode()

    def query(self, question: bytes) -> bytes:
        return json.dumps(self.entries).encode()

    def snapshot(self) -> bytes:
        return json.dumps(self.entries).encode()

    def restore(self, data: bytes) -> None:
        self.entries = json.loads(data)


@dataclass(slots=True)
class Operation:
    """What a client has asked, and from when to when it waited; `ended` is None without an answer.

    `text` is what it appended; empty for a read, whose `answer` is the list it was told.
    """

    text: str
    begun: float
    ended: float | None = None
    answer: list[str] = field(default_factory=list)


def problems(history: list[Operation], entries: list[str]) -> Iterator[str]:
    """Why this was no linearizable history that ended with these entries; nothing if it was.

    Complete for this state machine: operations take effect one by one, each between its beginning
    and its end, if and only if nothing is found.  O(operations log operations + texts told).
    """
    place = {text: at for at, text in enumerate(entries)}
    if len(place) < len(entries):
        twice = next(text for text in entries if entries.count(text) > 1)
        yield f"{twice!r} was appended twice"
    placed: list[tuple[int, int, Operation]] = []
    for operation in history:
        if not operation.text:
            if operation.ended is None:
                continue
            if operation.answer != entries[: len(operation.answer)]:
                yield f"a read was told {operation.answer[-3:]!r}, which no list ended with"
                continue
            placed.append((len(operation.answer), 1, operation))
        elif operation.text in place:
            placed.append((place[operation.text] + 1, 0, operation))
        elif operation.ended is not None:
            yield f"{operation.text!r} was acknowledged, and is lost"
    placed.sort(key=lambda item: item[:2])  # an append comes before the reads that see it
    latest = -inf  # beginning of what has taken effect so far
    for (at, _), group in groupby(placed, key=lambda item: item[:2]):
        alike = [operation for _, _, operation in group]  # reads of as much, in any order
        for operation in alike:
            if operation.ended is not None and operation.ended < latest:
                what = operation.text or f"a read of {at} entries"
                yield f"{what!r} took effect after what began when it had ended"
        latest = max(latest, *[operation.begun for operation in alike])
