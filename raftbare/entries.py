"""A run of log entries, stored by what is not a command.

A log is nearly all commands, and a command has no content of its own here.  So only the other
entries are stored, in two tables of marks: where terms begin and where configurations stand.
Whatever has no mark is a command, and costs nothing.

In complexities, `runs` is the number of marks concerned; no cost depends on a count of commands
but that of iterating over them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from itertools import pairwise
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar, cast, final

from raftbare.arguments import PURE, checked, fit, wrong_of
from raftbare.compiling import mypyc_attr, sealed
from raftbare.config import ClusterConfig
from raftbare.error import InvariantError
from raftbare.types import LogIndex, LogPosition, Term, Value

T = TypeVar("T")
N = TypeVar("N")


@final
class TermEntry(Value):
    """The entry with which a leader opens its term (§8): the only one that changes the term."""

    __slots__ = ("term",)
    __match_args__: ClassVar = ("term",)

    def __init__(self, term: Term) -> None:
        self.term: Final = term


@final
class ConfigEntry(Value):
    """A cluster configuration, in force as soon as it is in the log (§6)."""

    __slots__ = ("config",)
    __match_args__: ClassVar = ("config",)

    def __init__(self, config: ClusterConfig) -> None:
        self.config: Final = config


@final
class CommandEntry(Value):
    """A command of the user, who keeps its content beside the log, under its position."""

    __slots__ = ()
    __match_args__: ClassVar = ()


checked(TermEntry, "__init__")
checked(ConfigEntry, "__init__")
sealed(TermEntry)
sealed(ConfigEntry)

LogEntry: TypeAlias = TermEntry | ConfigEntry | CommandEntry

COMMAND: Final = CommandEntry()


MANY: Final = 256
"""From so many on, numbers below 2**63 are kept in an array: 8 bytes each; lists take some 40."""


@final
class Marks(Generic[T]):
    """Values at ascending indices; `last` is the last of these, 0 where there is none.

    An empty table may be shared by many owners: `marked` and `extended` return the table to use
    from then on, which is another one where this one was empty.
    """

    __slots__ = ("at", "last", "values")

    def __init__(self, at: MutableSequence[LogIndex], values: MutableSequence[T]) -> None:
        self.at = at
        self.values = values
        self.last: LogIndex = at[-1] if at else LogIndex(0)

    def marked(self, index: LogIndex, value: T) -> Marks[T]:
        """With one more mark, after all others.  O(1) amortized."""
        if not self.at:
            return Marks([index], [value])
        self._add([index], [value])
        return self

    def extended(self, more: Marks[T], index: LogIndex) -> Marks[T]:
        """With the marks of `more` after `index`, and none of its own there.  O(runs after)."""
        if self.last > index:
            self.cut(index)
        if more.last <= index:
            return self
        first = bisect_right(more.at, index)
        if not self.at:
            return Marks(more.at[first:], more.values[first:])
        self._add(more.at[first:], more.values[first:])
        return self

    def cut(self, index: LogIndex) -> None:
        """Drop the marks after `index`.  O(log runs + dropped)."""
        first = bisect_right(self.at, index)
        del self.at[first:]
        del self.values[first:]
        self.last = self.at[-1] if self.at else LogIndex(0)

    def after(self, index: LogIndex) -> Marks[T]:
        """A table of the marks after `index` that shares nothing with this one.  O(its size)."""
        first = bisect_right(self.at, index)
        return Marks(self.at[first:], self.values[first:])

    def between(self, index: LogIndex, last: LogIndex) -> Marks[T]:
        """The same of those up to `last`.  O(log runs + its size)."""
        first, end = bisect_right(self.at, index), bisect_right(self.at, last)
        return Marks(self.at[first:end], self.values[first:end])

    def latest(self, index: LogIndex) -> T | None:
        """The last value at or before `index`, None where there is none.  O(log runs)."""
        upto = bisect_right(self.at, index)
        return self.values[upto - 1] if upto else None

    def _add(self, at: MutableSequence[LogIndex], values: MutableSequence[T]) -> None:
        before = len(self.at)
        try:
            self.at.extend(at)
            self.values.extend(values)
        except OverflowError:  # an array does not hold every number
            self.at = [*self.at[:before], *at]
            self.values = [*self.values[:before], *values]
        self.last = self.at[-1]
        if len(self.at) >= MANY and isinstance(self.at, list):
            self.at = packed(self.at)
            self.values = packed(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Marks):
            return NotImplemented
        return list(self.at) == list(other.at) and list(self.values) == list(other.values)

    __hash__ = None  # type: ignore[assignment]


def packed(column: MutableSequence[N]) -> MutableSequence[N]:
    """The same in an array, if these are numbers that one can hold."""
    try:
        return cast("MutableSequence[N]", array("q", cast("list[int]", column)))
    except (TypeError, OverflowError):
        return column


NO_TERMS: Final[Marks[Term]] = Marks([], [])
NO_CONFIGS: Final[Marks[ClusterConfig]] = Marks([], [])


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class LogEntries:
    """The entries that follow `prev_position` in some log.

    - `prev_position`: of the entry before the first one here.
    - `last_position`: of the last entry, `prev_position` where there is none.

    Both are for reading.  Terms never fall: an entry's term is that of the last `TermEntry` up to
    it, or else that of `prev_position`.  Compared by value, O(runs); not hashable.

    Who holds one may `push` and `truncate` it; the entries in an action or a message are the
    user's own and share nothing with the node's log.  Those in `node.log` are for reading.
    """

    __slots__ = ("_configs", "_terms", "last_position", "prev_position")

    def __init__(self, prev_position: LogPosition, entries: Iterable[LogEntry] | None = ()) -> None:
        """`entries` one by one, each as `push` takes it; `from_runs` is for many commands.

        O(entries).  Raises `ValueError` for a position of negative term or index, otherwise as
        `push` does.  `entries=None` is for this library alone, which knows the position to be a
        good one: no entries, and nothing is checked.
        """
        if entries is not None:
            fit((prev_position, LogPosition))
        self.prev_position = prev_position
        self.last_position = prev_position
        self._terms = NO_TERMS
        self._configs = NO_CONFIGS
        if entries is None:
            return
        if prev_position.term < 0 or prev_position.index < 0:
            raise ValueError(f"{prev_position!r}: terms and indices are not negative")
        for entry in entries:
            self.push(entry)

    @classmethod
    def from_runs(
        cls, prev_position: LogPosition, runs: Iterable[tuple[LogEntry, int]]
    ) -> LogEntries:
        """From pairs of an entry and how many of it follow one another, as `runs` gives them.

        O(pairs), and O(count) for those of a term or a configuration.

        Raises `ValueError` for a count below 1, otherwise as `push` does.
        """
        made = LogEntries(prev_position)
        for run in runs:
            pair: object = run
            if PURE and (not isinstance(pair, tuple) or len(pair) != 2):
                raise TypeError(f"a pair of an entry and a count was expected; got {pair!r}")
            entry, count = run
            fit((count, int))
            if count < 1:
                raise ValueError(f"a run of {count} times {entry!r}: at least 1 was expected")
            if isinstance(entry, CommandEntry):
                last = made.last_position
                made.last_position = LogPosition(last.term, LogIndex(last.index + count))
                continue
            done = 0
            while done < count:
                made.push(entry)
                done += 1
        return made

    # Reading

    def __len__(self) -> int:
        """How many entries there are.  O(1)."""
        return self.last_position.index - self.prev_position.index

    @property
    def is_empty(self) -> bool:
        """Whether there are no entries.  O(1)."""
        return self.last_position.index == self.prev_position.index

    def __iter__(self) -> Iterator[LogEntry]:
        """The entries one by one.  O(entries); see `runs`."""
        for entry, count in self.runs():
            done = 0
            while done < count:
                yield entry
                done += 1

    def iter_with_positions(self) -> Iterator[tuple[LogPosition, LogEntry]]:
        """The entries one by one, each with its position.  O(entries)."""
        index, term = self.prev_position.index, self.prev_position.term
        for entry in self:
            index = LogIndex(index + 1)
            if isinstance(entry, TermEntry):
                term = entry.term
            yield LogPosition(term, index), entry

    def runs(self) -> Iterator[tuple[LogEntry, int]]:
        """Pairs of an entry and a count: 1, or how many commands follow one another.  O(runs)."""
        term_at, config_at = self._terms.at, self._configs.at
        terms, configs = len(term_at), len(config_at)
        last = self.prev_position.index
        i = j = 0
        while i < terms or j < configs:
            entry: LogEntry
            if j == configs or (i < terms and term_at[i] < config_at[j]):
                index, entry = term_at[i], TermEntry(self._terms.values[i])
                i += 1
            else:
                index, entry = config_at[j], ConfigEntry(self._configs.values[j])
                j += 1
            if index > last + 1:
                yield COMMAND, index - last - 1
            yield entry, 1
            last = index
        if self.last_position.index > last:
            yield COMMAND, self.last_position.index - last

    def contains(self, position: LogPosition) -> bool:
        """Whether this has the entry of that position, `prev_position` included.  O(log runs)."""
        last = self.last_position
        if position.index == last.index:
            return position.term == last.term
        if not self.prev_position.index <= position.index < last.index:
            return False
        return self._term(position.index) == position.term

    def contains_index(self, index: LogIndex) -> bool:
        """Whether `index` lies from `prev_position` to `last_position`.  O(1)."""
        return self.prev_position.index <= index <= self.last_position.index

    def get_term(self, index: LogIndex) -> Term | None:
        """The term of the entry at `index`, or at `prev_position`; None outside.  O(log runs)."""
        return self._term(index) if self.contains_index(index) else None

    def get_entry(self, index: LogIndex) -> LogEntry | None:
        """The entry at `index`; None outside, and at `prev_position`.  O(log runs)."""
        if not self.prev_position.index < index <= self.last_position.index:
            return None
        terms, configs = self._terms, self._configs
        i = bisect_left(terms.at, index)
        if i < len(terms.at) and terms.at[i] == index:
            return TermEntry(terms.values[i])
        i = bisect_left(configs.at, index)
        if i < len(configs.at) and configs.at[i] == index:
            return ConfigEntry(configs.values[i])
        return COMMAND

    def since(self, position: LogPosition) -> LogEntries | None:
        """A copy of the entries after `position`, None where that is not in here.

        O(log runs + runs after it).  Raises nothing.
        """
        return self._after(position) if self.contains(position) else None

    def copy(self) -> LogEntries:
        """An equal one that shares nothing mutable with this one.  O(runs).  Raises nothing."""
        return self._after(self.prev_position)

    # Writing

    def push(self, entry: LogEntry) -> None:
        """Append `entry`, in place.  O(1) amortized.

        Raises `InvariantError` for a term below the last one, `ValueError` for a negative one,
        `TypeError` for what is no entry.  Then nothing has been appended.
        """
        if isinstance(entry, CommandEntry):
            self._push_command()
        elif isinstance(entry, ConfigEntry):
            self._push_config(entry.config)
        elif isinstance(entry, TermEntry):
            if entry.term < 0:
                raise ValueError(f"{entry!r}: terms are not negative")
            if entry.term < self.last_position.term:
                raise InvariantError(
                    f"{entry!r} after {self.last_position!r}: terms never fall in a log"
                )
            self._push_term(entry.term)
        else:
            raise wrong_of((TermEntry, ConfigEntry, CommandEntry), entry)

    def truncate(self, length: int) -> None:
        """Keep the first `length` entries, in place; all of them where there are no more.

        O(log runs + runs dropped).  Raises `ValueError` for a negative length.
        """
        if length < 0:
            raise ValueError(f"a length of {length}: a number from 0 was expected")
        index = LogIndex(self.prev_position.index + length)
        if index < self.last_position.index:
            self._truncate_to(self._position(index))

    # For the library: positions and indices are known to be in here, and terms not to fall

    def _term(self, index: LogIndex) -> Term:
        if index >= self._terms.last:
            return self.last_position.term
        run = bisect_right(self._terms.at, index)
        return self._terms.values[run - 1] if run else self.prev_position.term

    def _position(self, index: LogIndex) -> LogPosition:
        return LogPosition(self._term(index), index)

    def _term_run(self, index: LogIndex) -> tuple[Term, LogIndex, LogIndex]:
        """The term at `index`, and the first and last index around it under the same mark."""
        at = self._terms.at
        run = bisect_right(at, index)
        last = LogIndex(at[run] - 1) if run < len(at) else self.last_position.index
        if run:
            return self._terms.values[run - 1], at[run - 1], last
        return self.prev_position.term, self.prev_position.index, last

    def _last_upto(self, term: Term) -> LogPosition | None:
        """The last position of no higher term than that, which some entry in here is above; None
        where all are.  O(log runs).
        """
        prev, at, values = self.prev_position, self._terms.at, self._terms.values
        run = bisect_right(values, term)
        if run:
            return LogPosition(values[run - 1], LogIndex(at[run] - 1))
        return None if prev.term > term else LogPosition(prev.term, LogIndex(at[0] - 1))

    def _push_command(self) -> LogPosition:
        last = self.last_position
        # Not `LogIndex(...)`: uncompiled that is a call, and this is done most of all.
        index: LogIndex = last.index + 1  # type: ignore[assignment]
        self.last_position = position = LogPosition(last.term, index)
        return position

    def _push_term(self, term: Term) -> LogPosition:
        self.last_position = LogPosition(term, LogIndex(self.last_position.index + 1))
        self._terms = self._terms.marked(self.last_position.index, term)
        return self.last_position

    def _push_config(self, config: ClusterConfig) -> LogPosition:
        position = self._push_command()
        self._configs = self._configs.marked(position.index, config)
        return position

    def _after(self, position: LogPosition) -> LogEntries:
        """`since`, for a position that is known to be in here."""
        index, terms, configs = position.index, self._terms, self._configs
        made = LogEntries(position, None)
        made.last_position = self.last_position
        if terms.last > index:
            made._terms = terms.after(index)
        if configs.last > index:
            made._configs = configs.after(index)
        return made

    def _between(self, position: LogPosition, last: LogPosition) -> LogEntries:
        """What lies after one position and up to another; both are known to be in here.

        O(log runs + runs between).
        """
        index, terms, configs = position.index, self._terms, self._configs
        made = LogEntries(position, None)
        made.last_position = last
        if terms.last > index:
            made._terms = terms.between(index, last.index)
        if configs.last > index:
            made._configs = configs.between(index, last.index)
        return made

    def _truncate_to(self, position: LogPosition) -> None:
        self._terms.cut(position.index)
        self._configs.cut(position.index)
        self.last_position = position

    def _splice(self, position: LogPosition, source: LogEntries) -> None:
        """Let what `source` has after `position` follow it here; both contain it.

        O(log runs + runs dropped and added).
        """
        index, mine, theirs = position.index, self._terms, source._terms
        if theirs.last > index or mine.last > index:
            self._terms = mine.extended(theirs, index)
        configs, their_configs = self._configs, source._configs
        if their_configs.last > index or configs.last > index:
            self._configs = configs.extended(their_configs, index)
        self.last_position = source.last_position

    def _compact_to(self, position: LogPosition) -> None:
        """Begin after `position`; O(runs after it)."""
        self._terms = self._terms.after(position.index)
        self._configs = self._configs.after(position.index)
        self.prev_position = position

    def _check(self) -> None:
        """Raise `AssertionError` unless the tables are what they must be.  O(runs log runs)."""
        first, last = self.prev_position.index, self.last_position.index
        assert 0 <= first <= last
        for at in (self._terms.at, self._configs.at, sorted([*self._terms.at, *self._configs.at])):
            assert all(first < index <= last for index in at), "marks lie within"
            assert all(a < b for a, b in pairwise(at)), "marks ascend, one at an index"
        for table in (self._terms, self._configs):
            assert table.last == (table.at[-1] if table.at else 0)
        assert len(self._terms.at) == len(self._terms.values)
        assert len(self._configs.at) == len(self._configs.values)
        terms = [self.prev_position.term, *self._terms.values]
        assert all(a <= b for a, b in pairwise(terms)), "terms never fall"
        assert self.last_position.term == terms[-1]
        assert not NO_TERMS.at, "the shared empty table stays empty"
        assert not NO_CONFIGS.at, "the shared empty table stays empty"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogEntries):
            return NotImplemented
        return (
            self.prev_position == other.prev_position
            and self.last_position == other.last_position
            and self._terms == other._terms
            and self._configs == other._configs
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[..., LogEntries], tuple[object, ...]]:
        """Copied and pickled as `copy` has it."""
        return _from_runs, (self.prev_position, tuple(self.runs()))

    def __repr__(self) -> str:
        runs = ", ".join(f"({entry!r}, {count})" for entry, count in self.runs())
        return f"LogEntries.from_runs({self.prev_position!r}, [{runs}])"


checked(
    LogEntries,
    *("from_runs", "contains", "contains_index", "get_term", "get_entry", "since", "truncate"),
)


def _from_runs(prev_position: LogPosition, runs: tuple[tuple[LogEntry, int], ...]) -> LogEntries:
    """Under a name by which a pickle finds it."""
    return LogEntries.from_runs(prev_position, runs)
