"""Actions that are owed and not yet taken: how they merge, and in which order they are taken.

A user may hand over any number of inputs before a drain (pipelining).  What they owe together is
at most one action of each kind, a message and a snapshot for each peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from raftbare.action import (
    SAVE_CURRENT_TERM,
    SAVE_VOTED_FOR,
    SET_ELECTION_TIMEOUT,
    Action,
    AppendLogEntries,
    BroadcastMessage,
    InstallSnapshot,
    SendMessage,
)
from raftbare.log import Log
from raftbare.message import AppendEntriesCall, Message
from raftbare.role import Leader
from raftbare.types import LogPosition, NodeId

if TYPE_CHECKING:
    from raftbare.rules import Rules


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


@final
class Actions:
    """The actions that a node owes, in the order in which they are to be executed.

    `for action in node.actions:` drains them; `next` takes one; `bool` tells whether any is owed,
    without taking it.  Each action is taken only after the one before it has been executed, what
    it persists being durable.  **The drain is over when there is no further one to be had**, with
    the end of the loop or `StopIteration`, and not as soon as `bool` is false: by asking for one
    more the user says that the last one is done.  At that moment a leader's own copy of its log
    counts as durable, which may commit entries and owe new actions; they are then taken first.

    Term and vote are durable before any message that rests on them leaves, entries before the
    reply that reports them.  A leader's broadcast does not rest on its own disk (dissertation,
    §10.2.1) and goes first, so that the peers write while the leader does.
    """

    __slots__ = ("_node",)

    def __init__(self, node: Rules) -> None:
        self._node = node

    def __bool__(self) -> bool:
        return not self._node._pending.is_empty()

    def __iter__(self) -> Iterator[Action]:
        """An action is owed until it is taken, so a loop may be left and another one go on.

        The first that is owed is looked for anew each time: no message overtakes what it rests on,
        even where an input comes before the drain is over.
        """
        node = self._node
        pending = node._pending
        while True:
            if pending.set_election_timeout:
                pending.set_election_timeout = False
                yield SET_ELECTION_TIMEOUT
            elif pending.save_current_term:
                pending.save_current_term = False
                yield SAVE_CURRENT_TERM
            elif pending.save_voted_for:
                pending.save_voted_for = False
                yield SAVE_VOTED_FOR
            elif pending.broadcast is not None:
                message = pending.broadcast
                pending.broadcast = None
                yield BroadcastMessage(message)
            elif pending.append_after is not None:
                after = pending.append_after
                pending.append_after = None
                yield AppendLogEntries(node._log.entries._after(after))
            elif pending.sends:
                if len(pending.sends) == 1:
                    to, message = pending.sends.popitem()
                else:
                    to = min(pending.sends)
                    message = pending.sends.pop(to)
                yield SendMessage(to, message)
            elif pending.installs:
                to = min(pending.installs)
                pending.installs.remove(to)
                yield InstallSnapshot(to)
            else:
                role, last = node._role, node._log.entries.last_position
                if not isinstance(role, Leader) or role.own.match_index >= last.index:
                    return
                node._drained(role)

    def __next__(self) -> Action:
        for action in self:
            return action
        raise StopIteration

    def __repr__(self) -> str:
        return f"Actions({self._node._pending!r})"
