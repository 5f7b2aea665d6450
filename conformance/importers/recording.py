"""Open a recording in any format that is known, and read it once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pydantic import ValidationError
from pydantic_core import from_json

from conformance.importers.ccf import Ccf
from conformance.importers.etcd import Etcd
from conformance.importers.hashicorp import Hashicorp
from conformance.importers.importer import Importer, Names, Refused
from conformance.importers.rafttest import Rafttest
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from conformance.observe.verdicts import Format
from conformance.trace.errors import BadTrace, NoHeader, explain, is_json
from conformance.trace.files import LineReader, TraceReader
from conformance.trace.moments import Capabilities, Moment
from conformance.trace.records import records
from spec.values import NodeId

IMPORTERS: Final[Mapping[str, type[Importer[Any]]]] = {
    importer.NAME: importer for importer in (Etcd, Ccf, Hashicorp, Rafttest)
}

KNOWN: Final = (
    "the header of a trace, or a recording of etcd, ccf or hashicorp "
    "(of rafttest by --format alone)"
)
"""What is told by its first line."""


class Recording:
    """What was recorded, in this project's format or another one; to be read once.

    `capabilities`: what its recorder notes, and then its lines are `moments`; None for `records`.
    `line`: the one read last.  Whatever is wrong with a file is a `BadTrace`.
    """

    def __init__(self, path: Path, form: Format = "auto", names: Names | None = None) -> None:
        """`names`: what other recordings of the same cluster call its nodes."""
        self.path = path
        self._importer: Importer[Any] | None = None
        self._trace: TraceReader | None = None
        self._lines: Iterator[tuple[bytes, bool]] = iter(())
        kind = _sniffed(path) if form == "auto" else IMPORTERS.get(form)
        self._reader: LineReader
        if kind is None:
            try:
                self._reader = self._trace = TraceReader(path)
            except NoHeader as error:
                if form != "auto":
                    raise
                raise BadTrace(path, error.line, error.problem, KNOWN) from None
            header = self._trace.header
            self.implementation = header.implementation
            self.capabilities: Capabilities | None = header.capabilities
            return
        self._reader = LineReader(path)
        try:
            first = next(self._reader.lines, None)
            if first is None:
                raise BadTrace(path, None, "the file is empty", f"a recording of {kind.NAME}")
            self._lines = chain([first], self._reader.lines)
            version = kind.sniff(_object(first[0]))
            # What is cut off already in its first line tells of no format.
            if version is None and (is_json(first[0]) or first[1]):
                raise BadTrace(path, 1, "the line is of another format", f"one of {kind.NAME}")
        except BaseException:
            self._reader.close()
            raise
        self._importer = kind(version or kind.NAME, names or Names())
        self.implementation = version or kind.NAME
        self.capabilities = self._importer.capabilities

    @property
    def is_trace(self) -> bool:
        """Whether it is in this project's format."""
        return self._trace is not None

    @property
    def line(self) -> int:
        return self._reader.line

    @property
    def position(self) -> int:
        """How many bytes of the file have been taken in; 0 of a pipe."""
        return self._reader.position

    @property
    def names(self) -> dict[str, NodeId]:
        """The ids of the nodes whose names are no numbers; complete once all is read."""
        if self._trace is not None:
            return self._trace.header.names or {}
        return {} if self._importer is None else self._importer.names.spoken()

    @property
    def trace(self) -> TraceReader | None:
        """What reads it, where it has records."""
        return self._trace if self.capabilities is None else None

    def records(
        self, shown: Callable[[NodeId], Observed | None] | None = None
    ) -> Iterator[Recorded]:
        """`shown`: as `conformance.trace.records` has it."""
        if self._trace is None:
            found = f"a recording of {self.implementation}"
            raise BadTrace(self.path, 1, found, "a trace with actions, for the exact level")
        return records(self._trace, shown)

    def moments(self) -> Iterator[Moment]:
        return self._imported() if self._trace is None else self._trace.moments()

    def _imported(self) -> Iterator[Moment]:
        importer, reader = self._importer, self._reader
        assert importer is not None
        number = 0
        try:
            for number, (line, is_last) in enumerate(self._lines, 1):
                try:
                    moment = importer.moment(importer.parse(line), number)
                except ValidationError as error:
                    if is_last and not is_json(line):
                        raise reader.cut_line() from None
                    raise BadTrace(self.path, number, *explain(line, error, frozenset())) from None
                if moment is not None:
                    yield moment
            moment = importer.moment(None, number)
            if moment is not None:
                yield moment
        except Refused as error:
            raise BadTrace(self.path, number, error.problem, error.expected) from None
        finally:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()


def _sniffed(path: Path) -> type[Importer[Any]] | None:
    """The importer for a file, by its first line; None for this project's own format.

    A pipe can be read once, and is taken for a trace; so is what is of no format, whose reader says
    what is wrong with it.
    """
    if not os.path.isfile(path):  # which takes any name
        return None
    try:
        with LineReader(path) as reader:
            first = _object(next(reader.lines, (b"", True))[0])
    except BadTrace:
        return None
    return next((kind for kind in IMPORTERS.values() if kind.sniff(first) is not None), None)


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        first = from_json(line)
    except ValueError:
        return {}
    return first if isinstance(first, dict) else {}
