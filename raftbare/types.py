"""Names, numbers and positions: the small words of the protocol."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final, NewType, final

from raftbare.arguments import PURE, fit
from raftbare.compiling import constant, mypyc_attr

NodeId = NewType("NodeId", int)
"""Names a node of a cluster, for ever.  Any integer from 0 on; their order has no meaning."""

Term = NewType("Term", int)
"""A logical clock (§5.1): at most one leader in each.  0 is the time before the first election."""

LogIndex = NewType("LogIndex", int)
"""The place of an entry in the log, counted from 1.  0 is the place before the first entry."""

MessageSeqNo = NewType("MessageSeqNo", int)
"""Counts a node's calls from 1 since it came up; a reply carries the number of its call.

0 is the number of an answer to a call of an earlier term: it is to no call of the later one."""


@mypyc_attr(acyclic=True)
class Value:
    """What is compared, hashed and shown by the fields that `__match_args__` names.

    A plain class for the messages, actions and entries, which are made at every step: what
    `dataclass` writes stays slow when compiled.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __hash__(self) -> int:
        return hash(tuple([getattr(self, name) for name in self.__match_args__]))

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[type[Value], tuple[object, ...]]:
        """How it is copied and pickled: made anew of its fields."""
        return type(self), tuple([getattr(self, name) for name in self.__match_args__])


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class LogPosition:
    """An entry's term and index, which together identify it in every log (Log Matching, §5.3).

    Ordered by term first, then by index: the order in which §5.4.1 compares logs.  Immutable by
    convention: positions are shared freely and an assignment to a field would be seen elsewhere.
    Made, compared and hashed in O(1).  `TypeError` for a term or index that is no integer, and
    where a position is ordered with anything else; below 0 they are refused where they enter a log.
    """

    __slots__ = ("index", "term")
    __match_args__: ClassVar = ("term", "index")

    ZERO: ClassVar[LogPosition]
    """The position before every log."""

    def __init__(self, term: Term, index: LogIndex) -> None:
        if PURE and (type(term) is not int or type(index) is not int):
            fit((term, int), (index, int))
        self.term: Final = term
        self.index: Final = index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LogPosition):
            return NotImplemented
        return self.index == other.index and self.term == other.term

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, LogPosition):
            return NotImplemented
        return self.term < other.term or (self.term == other.term and self.index < other.index)

    def __le__(self, other: object) -> bool:
        if not isinstance(other, LogPosition):
            return NotImplemented
        return self.term < other.term or (self.term == other.term and self.index <= other.index)

    def __gt__(self, other: object) -> bool:
        if not isinstance(other, LogPosition):
            return NotImplemented
        return other.term < self.term or (self.term == other.term and other.index < self.index)

    def __ge__(self, other: object) -> bool:
        if not isinstance(other, LogPosition):
            return NotImplemented
        return other.term < self.term or (self.term == other.term and other.index <= self.index)

    def __hash__(self) -> int:
        return hash((self.term, self.index))

    def __repr__(self) -> str:
        return f"LogPosition(term={self.term}, index={self.index})"

    def __reduce__(self) -> tuple[type[LogPosition], tuple[Term, LogIndex]]:
        return LogPosition, (self.term, self.index)


LogPosition.ZERO = constant(LogPosition(Term(0), LogIndex(0)))


class Role(Enum):
    """What a node is in its current term (§5.1)."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"

    def __repr__(self) -> str:
        return f"Role.{self.name}"

    @property
    def is_follower(self) -> bool:
        """Whether this is `FOLLOWER`.  O(1)."""
        return self is Role.FOLLOWER

    @property
    def is_candidate(self) -> bool:
        """Whether this is `CANDIDATE`.  O(1)."""
        return self is Role.CANDIDATE

    @property
    def is_leader(self) -> bool:
        """Whether this is `LEADER`.  O(1)."""
        return self is Role.LEADER


class CommitStatus(Enum):
    """What a node knows of a proposal's fate; see `Node.get_commit_status`."""

    IN_PROGRESS = "in_progress"
    """Neither committed nor rejected as far as this node knows."""

    COMMITTED = "committed"
    """The entry is committed: it is in the log of every later leader."""

    REJECTED = "rejected"
    """Another entry is committed there, or an entry of a later term before it."""

    UNKNOWN = "unknown"
    """The place lies in the prefix that a snapshot has replaced."""

    def __repr__(self) -> str:
        return f"CommitStatus.{self.name}"

    @property
    def is_in_progress(self) -> bool:
        """Whether this is `IN_PROGRESS`: ask again later, or another node.  O(1)."""
        return self is CommitStatus.IN_PROGRESS

    @property
    def is_committed(self) -> bool:
        """Whether this is `COMMITTED`: the client may be told so.  O(1)."""
        return self is CommitStatus.COMMITTED

    @property
    def is_rejected(self) -> bool:
        """Whether this is `REJECTED`: the proposal may be made anew.  O(1)."""
        return self is CommitStatus.REJECTED

    @property
    def is_unknown(self) -> bool:
        """Whether this is `UNKNOWN`.  O(1)."""
        return self is CommitStatus.UNKNOWN
