"""What an importer does, and what all have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from conformance.trace.moments import Capabilities, Moment, SeenMessage
from conformance.trace.vocabulary import MAX_INTEGER
from spec.values import NodeId

MAX_NAME: Final = 256
"""The most characters in a node's name; those of real systems have up to 64."""

MAX_NODES: Final = 4096
"""The most nodes in one recording, of each of which the audit holds state."""


class Refused(Exception):  # noqa: N818 (the line is refused, the program does as it should)
    """A line that fits its format's shape and cannot be true: what is wrong, what was expected."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem, expected)
        self.problem = problem
        self.expected = expected


class Foreign(BaseModel):
    """A line of another format, or a part of it: strict, and with fields that nobody reads."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)


class Names:
    """Ids for the names of nodes: a decimal name is its own id, others get the next one free."""

    def __init__(self) -> None:
        self.ids: dict[str, NodeId] = {}
        self._taken: set[NodeId] = set()
        self._next: NodeId = 1

    def id_of(self, name: str) -> NodeId:
        known = self.ids.get(name)
        return self._new(name) if known is None else known

    def spoken(self) -> dict[str, NodeId]:
        """Those that are no numbers."""
        return {name: node for name, node in self.ids.items() if name != str(node)}

    def _new(self, name: str) -> NodeId:
        if not 0 < len(name) <= MAX_NAME:
            raise Refused(f"a node's name of {len(name)} characters", f"1 to {MAX_NAME}")
        if len(self.ids) == MAX_NODES:
            raise Refused(f"more than {MAX_NODES} nodes", "the recording of one cluster")
        node = -1
        if name.isascii() and name.isdecimal() and len(name) <= 20:
            node = int(name)
            if str(node) != name or node > MAX_INTEGER:
                node = -1
        if node in self._taken or node < 0:
            while self._next in self._taken:
                self._next += 1
            node = self._next
        self._taken.add(node)
        self.ids[name] = node
        return node


Line = TypeVar("Line", bound=BaseModel)


class Importer(ABC, Generic[Line]):
    """Reads the lines of one recording, from its first to its last."""

    NAME: ClassVar[str]
    """How `--format` calls it."""
    LINE: type[Line]
    """What a line is."""

    def __init__(self, version: str, names: Names) -> None:
        self.version = version
        """What `sniff` said."""
        self.names = names
        self._seqs: Counter[NodeId] = Counter()

    @classmethod
    @abstractmethod
    def sniff(cls, first: Mapping[str, Any]) -> str | None:
        """What wrote a recording that begins with this line, and which version of it; None if it
        is another format's.
        """

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What that recorder notes."""

    def parse(self, line: bytes) -> Line:
        """A line of the file; pydantic's `ValidationError`, or `Refused`, if it is none."""
        return self.LINE.model_validate_json(line)

    @abstractmethod
    def read(self, line: Line) -> dict[str, Any] | None:
        """What a line tells of a node: the fields of a moment but its numbers; None for no node.

        `Refused` for what cannot be true.
        """

    def end(self) -> dict[str, Any] | None:
        """What is told of a node once all lines have been read."""
        return None

    def moment(self, line: Line | None, number: int) -> Moment | None:
        """The moment that a line is, which stands at this number in its file; None: its end."""
        fields = self.end() if line is None else self.read(line)
        if fields is None:
            return None
        node = fields["node"]
        self._seqs[node] += 1
        told = {name: value for name, value in fields.items() if value is not None}
        return Moment(seq=self._seqs[node], line=number, **told)

    def voters(self, sets: Iterable[Iterable[str]]) -> tuple[tuple[NodeId, ...], ...]:
        return tuple(tuple(sorted({self.names.id_of(name) for name in names})) for names in sets)


def message(**fields: Any) -> SeenMessage:
    """A message of the fields that are known."""
    told = {name: value for name, value in fields.items() if value is not None}
    return SeenMessage.model_validate({"from": told.pop("sender"), **told})
