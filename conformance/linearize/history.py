"""Histories in files: what clients called, and what came of it.

Two formats are read, told apart by the first line: JSON Lines of our own (`lines`), and the log of
a Jepsen test of one register (`jepsen`).  Both are events in the order in which they happened; the
number of its line is an event's time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.linearize import jepsen, lines
from conformance.linearize.errors import BadHistory, BadLine
from conformance.linearize.events import Event, Gathering
from conformance.linearize.models import REGISTER, Cell, Operation

MAX_LINE: Final = 2**20
"""The most bytes in a line."""

Parse: TypeAlias = Callable[[bytes], Event | None]


@dataclass(frozen=True, slots=True)
class History:
    """The operations of one file, in the order of their calls."""

    path: str
    model: Cell
    operations: tuple[Operation, ...]

    def keys(self) -> dict[str | None, list[Operation]]:
        """The operations of each key: each is judged by itself."""
        found: dict[str | None, list[Operation]] = {}
        for operation in self.operations:
            found.setdefault(operation.key, []).append(operation)
        return found


def read(path: str | os.PathLike[str]) -> History:
    """Read a whole history into memory: a few hundred bytes an operation.

    Raises `BadHistory`, with the line, for whatever is wrong with it.
    """
    name, number = os.fspath(path), 0
    try:
        numbered = _lines(name)
        first = next(numbered, None)
        if first is None:
            raise BadHistory(name, None, "the file is empty", f"a header of {lines.FORMAT}")
        number, line = first
        parse: Parse
        if line.lstrip().startswith(b"{"):
            model = lines.header(line)
            parse = lines.Reader(model).event
        else:
            model, parse = REGISTER, _of_log
        gathering = Gathering(model)
        if parse is _of_log:
            _take(gathering, number, line, parse)
        for number, line in numbered:
            _take(gathering, number, line, parse)
    except BadLine as bad:
        raise BadHistory(name, number, bad.problem, bad.expected) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadHistory(name, None, f"cannot be read: {reason}", "a readable file") from None
    operations = gathering.end()
    if not operations:
        raise BadHistory(name, None, "no operation", "at least one invoke")
    return History(name, model, operations)


def _take(gathering: Gathering, number: int, line: bytes, parse: Parse) -> None:
    event = parse(line)
    if event is not None:
        gathering.take(number, event)


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, numbered from 1, without their line feeds."""
    with open(path, "rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise BadHistory(
                    path, number, f"a line of more than {MAX_LINE} bytes", "a shorter one"
                )
            yield number, line.rstrip(b"\r\n")


def _of_log(line: bytes) -> Event | None:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        found = f"not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}"
        raise BadLine(found, "UTF-8") from None
    return jepsen.event(text)
