"""Entries are what they hold: however they came to be, and in lists as in arrays."""

from __future__ import annotations

from itertools import product
from types import ModuleType
from typing import Any

import pytest

import raftbare
from conformance.subjects.patched import PURE, resized

KINDS = "tck"
"""The first entry of a term, a command, a configuration."""


def entry_of(library: Any, kind: str, at: int) -> Any:
    if kind == "t":
        return library.TermEntry(2 + at)
    return library.CommandEntry() if kind == "c" else library.ConfigEntry(config(library, at))


def config(library: Any, at: int) -> Any:
    return library.ClusterConfig([at, at + 1])


def made(library: Any, word: str, prev: Any) -> dict[str, Any]:
    """Entries of these kinds, made in every way."""
    each = [entry_of(library, kind, at) for at, kind in enumerate(word)]
    one_by_one = library.LogEntries(prev, each)
    pushed = library.LogEntries(prev)
    for entry in each:
        pushed.push(entry)
    longer = library.LogEntries(prev, each)
    for kind in "ktctk":
        longer.push(entry_of(library, kind, 20))
    longer.truncate(len(each))
    before = library.LogEntries(library.LogPosition(1, prev.index - 2))
    before.push(library.ConfigEntry(config(library, 9)))
    before.push(library.CommandEntry())
    for entry in each:
        before.push(entry)
    runs = library.LogEntries.from_runs(prev, one_by_one.runs())
    compacted = library.Log(config(library, 3), before.copy())
    compacted._compact(prev, config(library, 3))
    spliced = library.LogEntries(prev, [entry_of(library, kind, 30) for kind in "tkt"])
    spliced._splice(prev, one_by_one)
    return {
        "one by one": one_by_one,
        "pushed": pushed,
        "truncated": longer,
        "since": before.since(prev),
        "from runs": runs,
        "copied": runs.copy(),
        "compacted": compacted.entries,
        "spliced": spliced,
        "between": before._between(prev, before.last_position),
    }


def looked_up(library: Any, entries: Any) -> object:
    """All that can be seen of entries."""
    indices = range(entries.prev_position.index - 1, entries.last_position.index + 2)
    log = library.Log(config(library, 3), entries)
    return (
        repr(entries),
        len(entries),
        list(entries.iter_with_positions()),
        list(entries.runs()),
        [(entries.get_term(at), entries.get_entry(at)) for at in indices],
        [log.get_position_and_config(at) for at in indices],
        (log.latest_config, log.latest_config_index),
    )


@pytest.mark.parametrize("library", [raftbare, PURE, resized(PURE, 2), resized(PURE, 4)])
def test_equal_entries_are_equal_however_they_were_made(library: ModuleType) -> None:
    for length in range(6):
        for word in map("".join, product(KINDS, repeat=length)):
            position: Any = vars(library)["LogPosition"](1, 7)
            ways = made(library, word, position)
            first = ways["one by one"]
            seen = looked_up(library, first)
            for way, entries in ways.items():
                entries._check()
                assert entries == first, (way, word)
                assert looked_up(library, entries) == seen, (way, word)


def test_and_differ_where_they_hold_something_else() -> None:
    library: Any = resized(PURE, 2)
    words = ["".join(word) for length in range(5) for word in product(KINDS, repeat=length)]
    position = library.LogPosition(1, 7)
    made = [
        library.LogEntries(position, [entry_of(library, kind, at) for at, kind in enumerate(word)])
        for word in words
    ]
    for (one, first), (other, second) in product(zip(words, made, strict=True), repeat=2):
        assert (first == second) == (one == other), (one, other)
