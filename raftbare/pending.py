"""What a node owes between two drains, and how that merges.

A user may hand over any number of inputs before a drain (pipelining).  What they owe together is
at most one action of each kind, and at most one message and one snapshot to each peer.
"""

from __future__ import annotations

from typing import final

from raftbare.log import Log
from raftbare.message import AppendEntriesCall, Message
from raftbare.types import LogPosition, NodeId


@final
class Pending:
    """What is owed; the fields are in the order of execution.

    Invariants: the messages are of the current term (a new one voids them), and are nobody else's
    until they are taken, so that merging may change them in place.  The write is always of all
    that the log has after `append_after`, a position in the log: a write that begins earlier
    covers one that begins later, and both end where the log ends.
    """

    __slots__ = (
        "append_after",
        "broadcast",
        "installs",
        "save_current_term",
        "save_voted_for",
        "sends",
        "set_election_timeout",
    )

    def __init__(self) -> None:
        self.set_election_timeout = False
        self.save_current_term = False
        self.save_voted_for = False
        self.broadcast: Message | None = None
        self.append_after: LogPosition | None = None
        self.sends: dict[NodeId, Message] = {}
        self.installs: set[NodeId] = set()

    def is_empty(self) -> bool:
        """Whether nothing is owed.  O(1)."""
        return not (
            self.set_election_timeout
            or self.save_current_term
            or self.save_voted_for
            or self.broadcast is not None
            or self.append_after is not None
            or self.sends
            or self.installs
        )

    def owe_new_term(self) -> None:
        """The term is to be saved.  What was to be sent in an earlier one is void: nobody waits
        for it any more, and the entries it speaks of may be overwritten before it leaves.
        """
        self.save_current_term = True
        self.broadcast = None
        self.sends.clear()
        self.installs.clear()

    def compact(self, log: Log) -> None:
        """§7: what the log's new snapshot covers can no longer be read to execute an action."""
        snapshot = log.snapshot_position
        after = self.append_after
        if after is not None and not log.entries.contains(after):
            self.append_after = snapshot
        if self.broadcast is not None:
            compact_message(self.broadcast, snapshot)
        for message in self.sends.values():
            compact_message(message, snapshot)

    def __repr__(self) -> str:
        return (
            f"Pending({self.set_election_timeout}, {self.save_current_term}, "
            f"{self.save_voted_for}, {self.broadcast!r}, {self.append_after!r}, {self.sends!r}, "
            f"{self.installs!r})"
        )


def compact_message(message: Message, snapshot: LogPosition) -> None:
    """A call keeps what lies after the snapshot.  One that has nothing there keeps its previous
    position and loses its entries, which leaves it as true as before.
    """
    if not isinstance(message, AppendEntriesCall):
        return
    entries = message.entries
    if entries.is_empty or entries.prev_position.index >= snapshot.index:
        return
    if entries.contains(snapshot):
        entries._compact_to(snapshot)
    else:
        entries._truncate_to(entries.prev_position)
