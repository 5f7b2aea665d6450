"""Majorities (§5.2, §5.3), of both memberships while a joint configuration is in force (§6)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import final

from raftbare.config import ClusterConfig
from raftbare.types import LogIndex, MessageSeqNo, NodeId


@final
class Progress:
    """What a leader knows of a member (Figure 2).

    - `match_index`: it durably holds the leader's log up to there.  Only grows.
    - `next_index`: the first entry that it was not sent.  None: it was sent all that all others
      were, and will be by every broadcast.
    - `probe`: the number of the latest calls to it alone; that it refused an earlier one is no
      news.
    - `asked`: replies to calls with a lower number owe it no snapshot; 0 once there is a later one.
    - `probing`: it refused a call: it is sent one at a time until it has accepted one.
    - `answered`: the largest number of a call of this term that it has answered.
    """

    __slots__ = ("answered", "asked", "match_index", "next_index", "probe", "probing")

    def __init__(self) -> None:
        self.match_index = LogIndex(0)
        self.next_index: LogIndex | None = None
        self.probe = MessageSeqNo(0)
        self.asked = MessageSeqNo(0)
        self.probing = False
        self.answered = MessageSeqNo(0)

    def __reduce__(self) -> tuple[Callable[..., Progress], tuple[object, ...]]:
        """How it is copied and pickled."""
        return _progress, (
            self.match_index,
            self.next_index,
            self.probe,
            self.asked,
            self.probing,
            self.answered,
        )

    def __repr__(self) -> str:
        return (
            f"Progress(match_index={self.match_index}, next_index={self.next_index}, "
            f"probe={self.probe}, asked={self.asked}, probing={self.probing}, "
            f"answered={self.answered})"
        )


def _progress(
    match_index: LogIndex,
    next_index: LogIndex | None,
    probe: MessageSeqNo,
    asked: MessageSeqNo,
    probing: bool,
    answered: MessageSeqNo,
) -> Progress:
    made = Progress()
    made.match_index = match_index
    made.next_index = next_index
    made.probe = probe
    made.asked = asked
    made.probing = probing
    made.answered = answered
    return made


@final
class Quorum:
    """How far the voters of one configuration hold the log, in ascending order; the middle one of
    these is as far as a majority does.
    """

    __slots__ = ("_held", "_new_held", "_new_voters", "_voters")

    def __init__(self, config: ClusterConfig, progress: dict[NodeId, Progress]) -> None:
        """`progress` has every voter, the leader itself where it is one."""
        self._voters = config.voters
        self._new_voters = config.new_voters
        self._held = sorted([progress[node_id].match_index for node_id in self._voters])
        self._new_held = sorted([progress[node_id].match_index for node_id in self._new_voters])

    def update_match(self, node_id: NodeId, before: LogIndex, now: LogIndex) -> LogIndex:
        """A member's match index was `before` and is now `now`.

        Returns the largest index up to which a majority, of each membership, then holds the log.
        O(log voters) to find the place, and a move of at most as many numbers in a list.
        """
        held, new_held = self._held, self._new_held
        if node_id in self._voters:
            del held[bisect_left(held, before)]
            insort(held, now)
        index = held[(len(held) - 1) // 2]
        if not new_held:
            return index
        if node_id in self._new_voters:
            del new_held[bisect_left(new_held, before)]
            insort(new_held, now)
        return min(index, new_held[(len(new_held) - 1) // 2])


def answered_by_majority(
    voters: frozenset[NodeId], progress: dict[NodeId, Progress], own: MessageSeqNo
) -> MessageSeqNo:
    """The largest number that a majority of the voters has answered a call with, or one above it;
    `own` stands for a voter without progress, the leader.  O(voters log voters).
    """
    answered = [progress[voter].answered if voter in progress else own for voter in voters]
    return sorted(answered)[(len(answered) - 1) // 2]
