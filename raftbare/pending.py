"""What a node owes between two drains, and how that merges.

A user may hand over any number of inputs before a drain (pipelining).  What they owe together is
at most one action of each kind, and a message for each peer.  Calls are made when they are taken,
from the log as it is then: so they need no merging.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from raftbare.log import Log
from raftbare.message import AppendEntriesReply, RequestVoteReply
from raftbare.types import LogPosition, NodeId


@final
class Pending:
    """What is owed, in the order of execution.

    - `calls`: the followers that are owed calls of their own.
    - `broadcast`: a call to all others: a candidate asks for votes, a leader sends what it writes.
    - `append_after`: a position in the log.  The write is of all that the log has after it: one
      that begins earlier covers one that begins later, and both end where the log ends.
    - `sends`: the replies.

    Invariants: the replies are of the current term (a new one voids them).  Only a candidate or
    leader owes a broadcast, only a leader owes calls, and only to its peers.
    """

    __slots__ = (
        "append_after",
        "broadcast",
        "calls",
        "save_current_term",
        "save_voted_for",
        "sends",
        "set_election_timeout",
    )

    def __init__(self) -> None:
        self.set_election_timeout = False
        self.save_current_term = False
        self.save_voted_for = False
        self.broadcast = False
        self.calls: set[NodeId] = set()
        self.append_after: LogPosition | None = None
        self.sends: dict[NodeId, RequestVoteReply | AppendEntriesReply] = {}

    def __reduce__(self) -> tuple[Callable[..., Pending], tuple[object, ...]]:
        """How it is copied and pickled."""
        return _pending, (
            self.set_election_timeout,
            self.save_current_term,
            self.save_voted_for,
            self.broadcast,
            tuple(self.calls),
            self.append_after,
            tuple(self.sends.items()),
        )

    def is_empty(self) -> bool:
        """Whether nothing is owed.  O(1)."""
        return not (
            self.set_election_timeout
            or self.save_current_term
            or self.save_voted_for
            or self.calls
            or self.broadcast
            or self.append_after is not None
            or self.sends
        )

    def owe_new_term(self) -> None:
        """The term is to be saved.  What was to be sent in an earlier one is void: nobody waits
        for it any more, and the entries it speaks of may be overwritten before it leaves.
        """
        self.save_current_term = True
        self.void_calls()
        self.sends.clear()

    def void_calls(self) -> None:
        """Who follows calls nobody."""
        self.broadcast = False
        self.calls.clear()

    def compact(self, log: Log) -> None:
        """§7: what the log's new snapshot covers can no longer be read to execute an action."""
        after = self.append_after
        if after is not None and not log.entries.contains(after):
            self.append_after = log.snapshot_position

    def __repr__(self) -> str:
        return (
            f"Pending({self.set_election_timeout}, {self.save_current_term}, "
            f"{self.save_voted_for}, {self.calls!r}, {self.broadcast}, {self.append_after!r}, "
            f"{self.sends!r})"
        )


def _pending(
    set_election_timeout: bool,
    save_current_term: bool,
    save_voted_for: bool,
    broadcast: bool,
    calls: tuple[NodeId, ...],
    append_after: LogPosition | None,
    sends: tuple[tuple[NodeId, RequestVoteReply | AppendEntriesReply], ...],
) -> Pending:
    made = Pending()
    made.set_election_timeout = set_election_timeout
    made.save_current_term = save_current_term
    made.save_voted_for = save_voted_for
    made.broadcast = broadcast
    made.calls.update(calls)
    made.append_after = append_after
    made.sends.update(sends)
    return made
