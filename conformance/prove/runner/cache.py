"""What was proved stays proved as long as what it rests on is the same (`sources`).

The file has a checksum: a result that was damaged or edited is no result.  It is no signature: who
writes the file anew, checksum and all, is believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.observe.write import write_whole
from conformance.prove.runner.obligation import Level, Obligation, Result, Verdict
from conformance.prove.runner.sources import CHECKOUT, Sources

FILE: Final = CHECKOUT / ".prove_cache" / "results.json"
KEPT: Final[tuple[Verdict, ...]] = ("proved", "witnessed")


class _Kept(BaseModel):
    """A result.  `called`: which of the lists of functions it called; `digest`: what these were.

    Without a digest it is only known how long it took.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    result: Verdict
    paths: int
    live: int
    queries: int
    seconds: float
    detail: str
    work: float = 0.0
    hardest: str = ""
    called: int
    digest: str | None


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal[2] = 2
    sum: str = ""
    called: list[list[str]] = []
    results: dict[str, _Kept] = {}

    def summed(self) -> str:
        """The checksum of all the rest, in hexadecimal."""
        return hashlib.sha256(self.model_dump_json(exclude={"sum"}).encode()).hexdigest()


class Cache:
    """The results of earlier runs, in a file; one that cannot be read is none, with a warning."""

    def __init__(
        self, path: Path, sources: Sources, warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self.path, self.sources, self.warn = path, sources, warn
        self._lists: dict[tuple[str, ...], int] = {}
        self._called: list[list[str]] = []
        self._digests: dict[int, str | None] = {}
        self._results: dict[str, _Kept] = {}
        try:
            file = _read(path)
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            warn(f"{path}: ignored, it cannot be read: {error}")
            with suppress(OSError):  # set aside: the next one takes its place
                path.replace(path.with_name(f"{path.name}.damaged"))
            return
        for called in file.called:
            self._list(called)
        # Two lists that are the same are one now, and have another number.
        numbers = [self._lists[tuple(called)] for called in file.called]
        self._results = {
            key: kept.model_copy(update={"called": numbers[kept.called]})
            for key, kept in file.results.items()
        }

    def get(self, level: Level, obligation: Obligation) -> Result | None:
        """The result, if nothing that it rests on has changed since."""
        kept = self._results.get(_key(level, obligation))
        if kept is None or kept.digest is None or kept.digest != self._digest(kept.called):
            return None
        counts = kept.paths, kept.live, kept.queries, kept.seconds
        work = {"work": kept.work, "hardest": kept.hardest}
        return Result(kept.result, *counts, kept.detail, **work)  # type: ignore[arg-type]

    def seconds(self, level: Level, obligation: Obligation) -> float | None:
        """How long it took when it was last proved, whatever has changed since."""
        kept = self._results.get(_key(level, obligation))
        return None if kept is None else kept.seconds

    def put(
        self, level: Level, obligation: Obligation, result: Result, called: Iterable[str]
    ) -> None:
        number = self._list(sorted(called))
        self._results[_key(level, obligation)] = _Kept(
            result=result.result,
            paths=result.paths,
            live=result.live,
            queries=result.queries,
            seconds=result.seconds,
            detail=result.detail,
            work=result.work,
            hardest=result.hardest,
            called=number,
            digest=self._digest(number) if result.result in KEPT else None,
        )

    def save(self) -> None:
        """Write the file, as a whole or not at all."""
        used = sorted({kept.called for kept in self._results.values()})
        new = {number: at for at, number in enumerate(used)}
        file = _File(
            called=[self._called[number] for number in used],
            results={
                key: kept.model_copy(update={"called": new[kept.called]})
                for key, kept in sorted(self._results.items())
            },
        )
        file.sum = file.summed()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, [file.model_dump_json()])
        except OSError as error:
            self.warn(f"{self.path}: not written: {error}")

    def forget_others(self, level: Level, obligations: Collection[Obligation]) -> None:
        """Drop the results of what is no obligation of the level any more."""
        keys = {_key(level, obligation) for obligation in obligations}
        self._results = {
            key: kept
            for key, kept in self._results.items()
            if key in keys or json.loads(key)[0] != level
        }

    def _list(self, called: list[str]) -> int:
        number = self._lists.setdefault(tuple(called), len(self._called))
        if number == len(self._called):
            self._called.append(called)
        return number

    def _digest(self, number: int) -> str | None:
        if number not in self._digests:
            self._digests[number] = self.sources.digest(self._called[number])
        return self._digests[number]


def _read(path: Path) -> _File:
    """What was written.  Raises `OSError`, and `ValueError` for what is not as it was written."""
    try:
        file = _File.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    if file.sum != file.summed():
        raise ValueError("its checksum is not that of its results")
    return file


def _key(level: Level, obligation: Obligation) -> str:
    return json.dumps([level, obligation.name, dict(obligation.bounds)], sort_keys=True)
