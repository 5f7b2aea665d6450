"""What a leader keeps to, so that no link, follower or memory is flooded."""

from __future__ import annotations

from typing import ClassVar, Final, final

from raftbare.arguments import checked
from raftbare.compiling import sealed
from raftbare.types import LogIndex, MessageSeqNo, Value


@final
class Limits(Value):
    """Limits of one node while it leads, given to `Node.start` and `Node.restart`.

    - `entries`: how many entries one call carries at the most.  Multiply it by the size of a
      command to have the size of a message.
    - `calls`: how many such calls may be under way to a follower that catches up.  That many
      entries per round trip is as fast as it does.
    - `ask_again`: after how many more calls, heartbeats included, `InstallSnapshot` is owed again
      for a peer that still needs a snapshot.
    - `uncommitted`: how many entries the log may have after the commit index when a command is
      proposed; a proposal beyond that raises `TooManyUncommittedError`.  None: any number.

    `calls` holds back only calls to a follower that catches up: the others are sent what is
    proposed by broadcasts, however many are under way.  Where a drain has more than `entries` to
    send, the rest follows in calls to each peer.  Immutable.
    """

    __slots__ = ("ask_again", "calls", "entries", "in_flight", "uncommitted")
    __match_args__: ClassVar = ("entries", "calls", "ask_again", "uncommitted")

    def __init__(
        self,
        entries: int = 5000,
        calls: int = 8,
        ask_again: int = 1000,
        uncommitted: int | None = None,
    ) -> None:
        """O(1).  Raises `ValueError` for a limit below 1: nothing would be sent, or proposed."""
        for name, limit in (("entries", entries), ("calls", calls), ("ask_again", ask_again)):
            if limit < 1:
                raise ValueError(f"{name}={limit}: at least 1 was expected")
        if uncommitted is not None and uncommitted < 1:
            raise ValueError(f"uncommitted={uncommitted}: at least 1, or None, was expected")
        self.entries: Final = LogIndex(entries)
        self.calls: Final = calls
        self.ask_again: Final = MessageSeqNo(ask_again)
        self.uncommitted: Final = None if uncommitted is None else LogIndex(uncommitted)
        self.in_flight: Final = LogIndex(entries * calls)


checked(Limits, "__init__")
sealed(Limits)

LIMITS: Final = Limits()
"""The limits of a node that is given none."""
