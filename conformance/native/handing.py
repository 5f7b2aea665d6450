"""Which records the fast path takes, and which go by the models and the sources.

At the exact level a node is followed by the one or by the other.  It changes hands in between,
which costs what its log holds: so it stays for a while, the longer the longer its log is.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, Final, Protocol, TypeVar

from conformance.native.build import AUDITS, compiled
from conformance.native.convert import Convert, converters
from conformance.native.exact import ExactPath
from conformance.native.safety import SafetyPath
from conformance.observe.observed import Observed, observed
from conformance.observe.recorded import Recorded
from conformance.trace.files import TraceReader
from spec.cluster import Member
from spec.sequence import Sequence
from spec.values import NodeId

T = TypeVar("T")

SAMPLE: Final = 64
"""One record in so many is judged by the specification as it is written, whatever its kind."""

AT_ONCE: Final = 8
"""So many follow one another, with a short log."""

IN_PASSING: Final = 2
"""So many where the fast path came upon what it does not know, after much that it does."""

ENTRIES: Final = 256
"""And one more for so many entries in the node's logs, which take about as long to convert."""


class Follows(Protocol):
    """The exact audit, as far as nodes are taken from it and given to it."""

    def add(self, record: Recorded) -> None: ...

    def member(self, node: NodeId) -> Member | None:
        """Where its records led a node; None where that is not certain."""
        ...

    def go_on(self, node: NodeId, member: Member, seq: int) -> None:
        """Records up to this one, which conform, have led a node here."""
        ...


class ExactHanding:
    """Hands nodes over between an exact audit and the fast path."""

    def __init__(self, audit: Follows) -> None:
        self._path: Final = copy_of(ExactPath)()
        self._audit = audit
        ways: tuple[Convert, Convert] = _packed, _same
        self._there, self._back = _conversion() if is_compiled() else ways
        self._since: dict[NodeId, int] = {}
        """How many records of a node the audit has taken since it has had it."""
        self._least: dict[NodeId, int] = {}
        """How many it takes, besides those that its log calls for."""
        self._given: dict[NodeId, int] = {}
        """The record after which the node was given to the fast path."""
        self._due: dict[NodeId, int] = {}
        """The last record before the next sample."""

    @property
    def events(self) -> int:
        """How many records the fast path has found to be as specified."""
        return self._path.events

    def count_into(self, checked: dict[str, int]) -> None:
        """Count for the audit what the fast path has found."""
        checked["events"] += self._path.events
        checked["drains"] += self._path.drains

    def open(self, reader: TraceReader) -> None:
        """Records come from this file from now on: those that are decided are skipped there."""
        for node in self._path.nodes():
            self._take_back(node)
        self._path.open(reader.latest)
        reader.skips = self._path.take

    def add(self, record: Recorded) -> None:
        """A record that is not decided."""
        node, seq = record.node, record.seq
        if self._take_back(node):
            in_passing = seq - self._given[node] > SAMPLE and seq <= self._due[node]
            self._since[node], self._least[node] = 0, IN_PASSING if in_passing else AT_ONCE
        self._audit.add(record)
        since = self._since[node] = self._since.get(node, 0) + 1
        least = self._least.get(node, AT_ONCE)
        if since < least or (member := self._audit.member(node)) is None:
            return
        if record.state != observed(member.node):  # it says less, and so will those that follow
            return
        least += (len(member.node.log.entries) + len(member.disk.log.entries)) // ENTRIES
        if since >= least:
            if seq > self._due.get(node, 0):
                self._due[node] = seq + least * (SAMPLE - 1)
            self._given[node] = seq
            self._path.give(node, seq, self._there(member), self._due[node] - seq)

    def shown(self, node: NodeId) -> Observed | None:
        """What the latest record of a node has shown, where it may have been skipped."""
        state: Observed | None = self._back(self._path.shown(node))
        return state

    def _take_back(self, node: NodeId) -> bool:
        taken = self._path.take_back(node)
        if taken is not None:
            member, seq = taken
            self._audit.go_on(node, self._back(member), seq)
        return taken is not None


class Judges(Protocol):
    """The safety audit, of the sources or compiled."""

    def add(self, record: Recorded) -> None: ...


class SafetyHanding:
    """Reads for a safety audit what it can without the models; in Python that is no faster."""

    def __init__(self, audit: Judges) -> None:
        """`audit`: of the class that `copy_of` has of it."""
        self._path: Final = copy_of(SafetyPath)(audit)
        self._there, self._back = _conversion()

    @property
    def events(self) -> int:
        """How many records were read here."""
        return self._path.events

    def open(self, reader: TraceReader) -> None:
        """Records come from this file from now on: those that are read here are skipped there."""
        self._path.open(reader.latest)
        reader.skips = self._path.take

    def add(self, record: Recorded) -> None:
        """A record that the models have read."""
        self._path.add(self._there(record))

    def shown(self, node: NodeId) -> Observed | None:
        """What the latest record of a node has shown, in this file."""
        state: Observed | None = self._back(self._path.shown(node))
        return state


def is_compiled() -> bool:
    return compiled(AUDITS) is not None


def copy_of(kind: type[T]) -> type[T]:
    """The compiled copy of a class; the class itself where it is not compiled."""
    native = compiled(AUDITS)
    return kind if native is None else getattr(native[kind.__module__], kind.__name__)


@cache
def _conversion() -> tuple[Convert, Convert]:
    """The ways between the values of the sources and those that the fast path has."""
    native = compiled(AUDITS)
    if native is None:
        return _same, _same
    return converters((sys.modules[name], module) for name, module in native.items())


def _same(value: Any) -> Any:
    return value


def _packed(member: Member) -> Member:
    """With lists of its own for its logs, as a conversion makes them.

    A `Sequence` keeps all of its list, and so what was compacted too.
    """
    node, disk = member.node, member.disk
    node = node._replace(log=node.log._replace(entries=Sequence(node.log.entries)))
    disk = disk._replace(log=disk.log._replace(entries=Sequence(disk.log.entries)))
    return member._replace(node=node, disk=disk)
