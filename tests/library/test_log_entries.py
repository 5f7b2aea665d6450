"""Run-length entries behave as the plain list of entries that they stand for."""

from __future__ import annotations

from itertools import groupby, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb
from raftbare.entries import NO_CONFIGS, NO_TERMS, Marks
from raftbare.log import last_below

from .helpers import COMMAND, after, config, opening, position


class Model:
    """The plain list: one (position, entry) each."""

    def __init__(self, prev: rb.LogPosition, entries: list[rb.LogEntry]) -> None:
        self.prev = prev
        self.rows: list[tuple[rb.LogPosition, rb.LogEntry]] = []
        for entry in entries:
            self.push(entry)

    @property
    def last(self) -> rb.LogPosition:
        return self.rows[-1][0] if self.rows else self.prev

    @property
    def entries(self) -> list[rb.LogEntry]:
        return [entry for _, entry in self.rows]

    def push(self, entry: rb.LogEntry) -> None:
        term = entry.term if isinstance(entry, rb.TermEntry) else self.last.term
        self.rows.append((position(term, self.last.index + 1), entry))

    def position_at(self, index: int) -> rb.LogPosition | None:
        known = [self.prev, *(at for at, _ in self.rows)]
        offset = index - self.prev.index
        return known[offset] if 0 <= offset < len(known) else None


@st.composite
def models(draw: st.DrawFn) -> Model:
    term = draw(st.integers(0, 3))
    model = Model(position(term, draw(st.integers(0, 4))), [])
    for kind in draw(st.lists(st.sampled_from("tcxxxx"), max_size=12)):
        if kind == "t":
            model.push(opening(model.last.term + draw(st.integers(0, 2))))
        elif kind == "c":
            model.push(rb.ConfigEntry(config([draw(st.integers(0, 2))])))
        else:
            model.push(COMMAND)
    return model


def made(model: Model) -> rb.LogEntries:
    return rb.LogEntries(model.prev, model.entries)


def agrees(entries: rb.LogEntries, model: Model) -> None:
    """Every question gets the answer that the model gives."""
    entries._check()
    assert len(entries) == len(model.rows)
    assert entries.is_empty == (not model.rows)
    assert entries.prev_position == model.prev
    assert entries.last_position == model.last
    assert list(entries) == model.entries
    assert list(entries.iter_with_positions()) == model.rows
    for index in range(model.last.index + 3):
        at = model.position_at(index)
        assert entries.get_term(rb.LogIndex(index)) == (at.term if at else None)
        assert entries.contains_index(rb.LogIndex(index)) == (at is not None)
        row = [entry for where, entry in model.rows if where.index == index]
        assert entries.get_entry(rb.LogIndex(index)) == (row[0] if row else None)
        for term in range(model.last.term + 2):
            assert entries.contains(position(term, index)) == (at == position(term, index))


@given(models())
def test_reading(model: Model) -> None:
    agrees(made(model), model)


@given(models())
def test_runs_are_maximal_and_round_trip(model: Model) -> None:
    entries = made(model)
    runs = list(entries.runs())
    expected: list[tuple[rb.LogEntry, int]] = []
    for is_command, group in groupby(model.entries, lambda entry: entry == COMMAND):
        members = list(group)
        expected += [(COMMAND, len(members))] if is_command else [(one, 1) for one in members]
    assert runs == expected
    agrees(rb.LogEntries.from_runs(model.prev, runs), model)
    assert rb.LogEntries.from_runs(model.prev, runs) == entries


@given(models(), st.integers(0, 14))
def test_truncate_keeps_the_first_entries(model: Model, length: int) -> None:
    entries = made(model)
    entries.truncate(length)
    del model.rows[length:]
    agrees(entries, model)


@given(models(), st.data())
def test_since_is_new_and_shares_nothing(model: Model, data: st.DataObject) -> None:
    entries = made(model)
    at = data.draw(st.sampled_from([model.prev, *(where for where, _ in model.rows)]))
    rest = entries.since(at)
    assert rest is not None
    kept = [entry for where, entry in model.rows if where.index > at.index]
    agrees(rest, Model(at, kept))
    rest.push(opening(rest.last_position.term + 1))
    rest.truncate(0)
    agrees(entries, model)
    rest = entries.since(at)
    assert rest is not None
    entries.truncate(0)
    entries.push(opening(entries.last_position.term + 1))
    agrees(rest, Model(at, kept))


@given(models())
def test_since_a_position_elsewhere_is_none(model: Model) -> None:
    entries = made(model)
    assert entries.since(position(model.last.term, model.last.index + 1)) is None
    assert entries.since(position(model.last.term + 1, model.last.index)) is None
    if model.prev.index:
        assert entries.since(position(model.prev.term, model.prev.index - 1)) is None


@given(models(), models(), st.data())
def test_append_with_overlap(model: Model, more: Model, data: st.DataObject) -> None:
    """What a follower does: what comes after a common position takes the place of what was."""
    entries = made(model)
    at = data.draw(st.sampled_from([model.prev, *(where for where, _ in model.rows)]))
    brought: list[rb.LogEntry] = [opening(at.term + 5)] if data.draw(st.booleans()) else [COMMAND]
    brought += [entry for entry in more.entries if not isinstance(entry, rb.TermEntry)]
    source = rb.LogEntries(at, brought)
    entries._splice(at, source)
    kept = [entry for where, entry in model.rows if where.index <= at.index]
    agrees(entries, Model(model.prev, kept + brought))
    entries.push(opening(20))
    agrees(source, Model(at, brought))


@given(models(), models())
def test_equality_is_by_value(model: Model, other: Model) -> None:
    same = model.prev == other.prev and model.rows == other.rows
    assert (made(model) == made(other)) == same
    assert made(model) == made(model).copy()


def marks(at: list[int], values: list[Any]) -> Marks[Any]:
    return Marks([rb.LogIndex(index) for index in at], values)


@pytest.mark.parametrize(
    ("prev", "last", "terms", "configs"),
    [
        ((2, 4), (2, 3), ([], []), ([], [])),  # the end before the beginning
        ((2, -1), (2, 3), ([], []), ([], [])),
        ((2, 4), (3, 9), ([4], [3]), ([], [])),  # a mark where the entries begin after
        ((2, 4), (3, 9), ([3], [3]), ([], [])),
        ((2, 4), (2, 9), ([], []), ([3], [0])),
        ((2, 4), (3, 9), ([10], [3]), ([], [])),  # one beyond the end
        ((2, 4), (2, 9), ([], []), ([4], [0])),
        ((2, 4), (2, 9), ([], []), ([10], [0])),
        ((2, 4), (4, 9), ([6, 6], [3, 4]), ([], [])),  # two at an index
        ((2, 4), (4, 9), ([7, 6], [3, 4]), ([], [])),
        ((2, 4), (2, 9), ([], []), ([6, 6], [0, 1])),
        ((2, 4), (2, 9), ([], []), ([7, 6], [0, 1])),
        ((2, 4), (3, 9), ([6], [3]), ([6], [0])),
        ((2, 4), (3, 9), ([6, 7], [3]), ([], [])),  # columns of two lengths
        ((2, 4), (3, 9), ([6], [3, 3]), ([], [])),
        ((2, 4), (2, 9), ([], []), ([6, 7], [0])),
        ((2, 4), (2, 9), ([], []), ([6], [0, 1])),
        ((2, 4), (1, 9), ([6], [1]), ([], [])),  # a term that falls
        ((2, 4), (3, 9), ([6, 7], [4, 3]), ([], [])),
        ((2, 4), (3, 9), ([6], [4]), ([], [])),  # another term at the end than the last mark's
        ((2, 4), (4, 9), ([6], [3]), ([], [])),
        ((2, 4), (3, 9), ([], []), ([], [])),
    ],
)
def test_tables_that_cannot_be_are_noticed(
    prev: tuple[int, int],
    last: tuple[int, int],
    terms: tuple[list[int], list[Any]],
    configs: tuple[list[int], list[Any]],
) -> None:
    entries = after((0, 0))
    entries.prev_position, entries.last_position = position(*prev), position(*last)
    entries._terms = marks(*terms)
    entries._configs = marks(configs[0], [config([node]) for node in configs[1]])
    with pytest.raises(AssertionError):
        entries._check()


@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_table_that_does_not_know_its_last_mark_is_noticed(last: int) -> None:
    entries = after((0, 0), opening(1), opening(2))
    entries._terms.last = rb.LogIndex(last)
    with pytest.raises(AssertionError):
        entries._check()


@pytest.mark.parametrize("table", [NO_TERMS, NO_CONFIGS])
def test_a_mark_in_the_shared_empty_table_is_noticed(table: Marks[Any]) -> None:
    entries = after((0, 0), opening(1), rb.ConfigEntry(config([1])))  # has tables of its own
    entries._check()
    table.at.append(rb.LogIndex(1))
    try:
        with pytest.raises(AssertionError, match="stays empty"):
            entries._check()
    finally:
        table.at.clear()


def test_a_term_that_falls_is_refused() -> None:
    entries = after((2, 5), COMMAND)
    for change in (
        lambda: entries.push(opening(1)),
        lambda: rb.LogEntries.from_runs(position(2, 5), [(opening(1), 1)]),
        lambda: after((2, 5), opening(3), opening(2)),
    ):
        with pytest.raises(rb.InvariantError, match="never fall"):
            change()
    assert entries == after((2, 5), COMMAND)


def test_numbers_that_cannot_be_are_refused() -> None:
    entries = after((0, 0), COMMAND, COMMAND)
    with pytest.raises(ValueError, match="at least 1"):
        rb.LogEntries.from_runs(rb.LogPosition.ZERO, [(COMMAND, 0)])
    with pytest.raises(ValueError, match="at least 1"):
        rb.LogEntries.from_runs(rb.LogPosition.ZERO, [(COMMAND, -3)])
    with pytest.raises(ValueError, match="negative"):
        rb.LogEntries(position(-1, 0))
    with pytest.raises(ValueError, match="negative"):
        rb.LogEntries(position(0, -1))
    with pytest.raises(ValueError, match="negative"):
        entries.push(rb.TermEntry(rb.Term(-1)))
    with pytest.raises(ValueError, match="number from 0"):
        entries.truncate(-1)
    with pytest.raises(TypeError, match=r"no log entry|object expected"):
        entries.push("command")  # type: ignore[arg-type]
    assert entries == after((0, 0), COMMAND, COMMAND)


def test_a_run_of_opening_entries_is_so_many() -> None:
    entries = rb.LogEntries.from_runs(
        rb.LogPosition.ZERO, [(opening(1), 2), (rb.CommandEntry(), 2)]
    )
    assert list(entries) == [opening(1), opening(1), COMMAND, COMMAND]
    assert len(rb.LogEntries.from_runs(rb.LogPosition.ZERO, [(opening(1), 300)])) == 300


def test_a_position_that_is_not_in_a_log_stands_for_the_last_one_below_it() -> None:
    """Neither index nor term of it is higher, however many terms have to be passed over."""
    model = Model(position(1, 2), [COMMAND, opening(3), COMMAND, opening(4), opening(6), COMMAND])
    places = [model.prev, *(at for at, _ in model.rows)]
    for index, term in product(range(11), range(8)):
        below = [at for at in places if at.index <= index and at.term <= term]
        expected = max(below) if below else None
        asked = position(term, index)
        assert last_below(made(model), asked) == (expected, expected == asked)


@given(models(), st.integers(0, 20), st.integers(0, 20))
def test_it_is_the_one_that_a_walk_from_the_end_meets_first(
    model: Model, term: int, index: int
) -> None:
    walk = [model.prev, *(at for at, _ in model.rows)][::-1]
    met = next((at for at in walk if at.index <= index and at.term <= term), None)
    asked = position(term, index)
    assert last_below(made(model), asked) == (met, met == asked)


def test_repr_reads_as_python() -> None:
    entries = after((1, 4), opening(2), COMMAND, COMMAND)
    assert repr(entries) == (
        "LogEntries.from_runs(LogPosition(term=1, index=4), "
        "[(TermEntry(term=2), 1), (CommandEntry(), 2)])"
    )
