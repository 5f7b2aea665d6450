"""The corpus: a folder in which a campaign notes what came of each task, as a line of JSON.

A campaign that was stopped goes on from there.  Another one begins with the profiles that reached
something in any of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, TextIO

from pydantic import TypeAdapter, ValidationError

from conformance.campaign.case import Kind
from conformance.campaign.finding import Found
from conformance.observe.bad_file import BadFile
from conformance.simulation.schedule.profile import Profile

FORMAT: Final = "raftbare-campaign-1"


class BadCorpus(BadFile):
    """A file of the corpus cannot be used."""


@dataclass(frozen=True, slots=True)
class Line:
    """What came of a task.

    `new`: features that no task before it came by; all features have numbers, in the order in
    which they are new.  `seen`: pairs of such a number, and how many cases came by it.  `first`: of
    each new feature the place among `profiles` of the first case that did.  `kinds`, `states`,
    `hunters`: as `Done` has them.
    """

    task: int
    cases: int
    events: int
    new: list[str] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    not_judged: str | None = None
    """Why nothing came of it: its worker died, each time."""
    kinds: dict[Kind, int] = field(default_factory=dict)
    states: int = 0
    hunters: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0


_LINE: Final = TypeAdapter(Line)


@dataclass(slots=True)
class Notes:
    """Where the lines of one campaign go; `lines`: those that were there before."""

    lines: list[Line]
    _file: TextIO | None = None

    def add(self, line: Line) -> None:
        """It is on its way to the disk when this returns.  Raises `OSError`."""
        if self._file is not None:
            self._file.write(json.dumps(asdict(line), separators=(",", ":")) + "\n")
            self._file.flush()


@contextmanager
def notes(folder: Path | None, header: dict[str, object]) -> Iterator[Notes]:
    """Those of the campaign with that header: all that decides what comes of it.

    None: nothing is kept.  Raises `BadCorpus` and `OSError`.
    """
    if folder is None:
        yield Notes([])
        return
    folder.mkdir(parents=True, exist_ok=True)
    first = json.dumps({"format": FORMAT, **header}, sort_keys=True)
    path = folder / f"{hashlib.sha256(first.encode()).hexdigest()[:12]}.jsonl"
    with open(path, "a+", encoding="utf-8", newline="\n") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadCorpus(
                path, None, "another process is at this campaign", "one at a time"
            ) from error
        file.seek(0)
        lines, whole = _lines(path, file.read())
        file.truncate(whole)  # who was killed may have left half a line
        if whole == 0:
            file.write(first + "\n")
        yield Notes(lines, file)


def inherited(folder: Path | None, header: dict[str, object]) -> dict[str, Profile]:
    """By feature, a profile that has reached it in another campaign.  Raises `BadCorpus`."""
    found: dict[str, Profile] = {}
    for path in sorted(folder.glob("*.jsonl")) if folder is not None else ():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadCorpus(path, None, str(error), "lines of JSON") from error
        lines, _ = _lines(path, text)
        own = json.loads(text.partition("\n")[0]) if lines else {}
        if all(own.get(name) == value for name, value in header.items()):
            continue
        for line in lines:
            for feature, place in zip(line.new, line.first, strict=True):
                found.setdefault(feature, line.profiles[place])
    return found


def _lines(path: Path, text: str) -> tuple[list[Line], int]:
    """The lines after the first one, and the length of all that are whole, in bytes."""
    whole = text[: text.rfind("\n") + 1]
    lines: list[Line] = []
    for number, one in enumerate(whole.splitlines(), 1):
        try:
            if number > 1:
                lines.append(_LINE.validate_json(one))
            elif json.loads(one)["format"] != FORMAT:
                raise ValueError(f"no {FORMAT}")
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise BadCorpus(path, number, _said(error), "a line of a campaign") from error
    return lines, len(whole.encode())


def _said(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"
    return str(error).splitlines()[0] or type(error).__name__
