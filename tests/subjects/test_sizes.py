"""What the library does from some size on is met by copies that take a few for many."""

from __future__ import annotations

from typing import Any

import pytest

import raftbare
from conformance.simulation import compiled
from conformance.simulation.check import Options, against_library, check
from conformance.subjects.patched import Patch, patched_library, resized

NAMED = Patch(
    "entries",
    "MANY: Final = 256",
    "MANY: Final = 256\nFEW = 7\nNO_SIZE: Final = 2**20\nlower = 30\n\n\n"
    "def sizes(count):\n    return count > 64, 100 <= count < 5000, count + 64 > 3",
)


def test_a_size_is_lowered_wherever_it_stands() -> None:
    with patched_library(NAMED) as copy:
        small: Any = resized(copy, 2)
        assert resized(copy, 2) is small
        entries = small.entries
        assert (entries.MANY, entries.FEW, entries.NO_SIZE, entries.lower) == (2, 7, 2**20, 30)
        assert entries.sizes(3) == (True, True, True)
        assert entries.sizes(2) == (False, True, True)
        assert entries.sizes(5000) == (True, False, True)
        library: Any = copy
        assert library.entries.sizes(3) == (False, False, True)


def test_what_the_library_has_of_sizes() -> None:
    """Another one would be lowered too; it is to be one from which on something is done."""
    small: Any = resized(raftbare, 5)
    assert small.entries.MANY == 5
    values = {name: value for name, value in vars(small.node).items() if isinstance(value, int)}
    assert not values
    log = small.LogEntries(small.LogPosition.ZERO, [small.TermEntry(n) for n in range(6)])
    assert not isinstance(log._terms.at, list)


BUGS = {
    "an array begins anew": Patch(
        "entries",
        "            self.at = packed(self.at)\n",
        "            self.at = packed(self.at[:-1] + self.at[-2:-1])\n",
    ),
    "the last of many is not looked for": Patch(
        "entries",
        "        upto = bisect_right(self.at, index)\n",
        "        upto = bisect_right(self.at, index)\n        if upto > 99: upto -= 1\n",
    ),
    "an array is shared": Patch(
        "entries",
        "        first = bisect_right(self.at, index)\n"
        "        return Marks(self.at[first:], self.values[first:])\n",
        "        first = bisect_right(self.at, index)\n"
        "        if first == 0 and not isinstance(self.at, list): return self\n"
        "        return Marks(self.at[first:], self.values[first:])\n",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_large_sizes_is_found_and_shrunk(
    bug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with patched_library(BUGS[bug]) as broken:
        options = Options(events=20_000, shrink_seconds=3, run=against_library(broken))
        found = check(options).found
        assert found is not None
        assert found.episode % 3 == 2
        assert len(found.choices) < found.length_before
        monkeypatch.setattr(compiled, "resized", lambda library, size: library)
        assert check(Options(events=3_000, run=against_library(broken))).found is None
