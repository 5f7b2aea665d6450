"""The state machine: a dictionary of texts, and its commands and questions as JSON."""

from __future__ import annotations

import json
from typing import Any, Final

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def packed(**fields: Any) -> bytes:
    """A command, a question or an answer."""
    return _encode(fields).encode()


class KeyValue:
    """`put`, `delete`, `cas` (compare and set) are commands; `get` and `keys` are questions.

    `cas` sets `new` where the value is `old`; null is the value of what is not there.
    """

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def apply(self, command: bytes) -> bytes:
        match _read(command):
            case {"op": "put", "key": str(key), "value": str(value)}:
                self._values[key] = value
                return packed(done=True)
            case {"op": "delete", "key": str(key)}:
                return packed(done=self._values.pop(key, None) is not None)
            case {"op": "cas", "key": str(key), "old": str() | None as old, "new": str(new)}:
                found = self._values.get(key)
                if found == old:
                    self._values[key] = new
                return packed(done=found == old, value=found)
        return packed(error="no such command")

    def query(self, question: bytes) -> bytes:
        match _read(question):
            case {"op": "get", "key": str(key)}:
                return packed(value=self._values.get(key))
            case {"op": "keys", "after": str(after), "most": int(most)}:
                return packed(keys=sorted(key for key in self._values if key > after)[:most])
        return packed(error="no such question")

    def snapshot(self) -> bytes:
        return json.dumps(self._values, sort_keys=True).encode()

    def restore(self, data: bytes) -> None:
        self._values = json.loads(data)


def _read(data: bytes) -> object:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError):
        return None
