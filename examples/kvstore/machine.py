"""The state machine: a dictionary of texts, and its commands and questions as JSON."""

from __future__ import annotations

from typing import Any, Final

from msgspec import DecodeError, Struct, json


class _Asked(Struct, tag_field="op", tag=str.lower, forbid_unknown_fields=True):
    key: str


class Put(_Asked):
    value: str


class Delete(_Asked):
    pass


class Cas(_Asked):
    """Compare and set: the value becomes `new` where it is `old`; null is that of no value."""

    old: str | None
    new: str


class Get(_Asked):
    pass


class Keys(Struct, tag_field="op", tag="keys", forbid_unknown_fields=True):
    """The first `most` keys after this one."""

    after: str
    most: int


_COMMANDS: Final[json.Decoder[Put | Delete | Cas]] = json.Decoder(Put | Delete | Cas)
_QUESTIONS: Final[json.Decoder[Get | Keys]] = json.Decoder(Get | Keys)
_VALUES: Final = json.Decoder(dict[str, str])


def packed(**fields: Any) -> bytes:
    """A command, a question or an answer."""
    return json.encode(fields)


class KeyValue:
    """`put`, `delete` and `cas` are commands; `get` and `keys` are questions."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def apply(self, command: bytes) -> bytes:
        try:
            asked = _COMMANDS.decode(command)
        except DecodeError:
            return packed(error="no such command")
        found = self._values.get(asked.key)
        match asked:
            case Put():
                self._values[asked.key] = asked.value
                return packed(done=True)
            case Delete():
                self._values.pop(asked.key, None)
                return packed(done=found is not None)
            case Cas():
                if found == asked.old:
                    self._values[asked.key] = asked.new
                return packed(done=found == asked.old, value=found)

    def query(self, question: bytes) -> bytes:
        try:
            asked = _QUESTIONS.decode(question)
        except DecodeError:
            return packed(error="no such question")
        if isinstance(asked, Get):
            return packed(value=self._values.get(asked.key))
        return packed(keys=sorted(key for key in self._values if key > asked.after)[: asked.most])

    def snapshot(self) -> bytes:
        return json.encode(self._values, order="sorted")

    def restore(self, data: bytes) -> None:
        self._values = _VALUES.decode(data)
