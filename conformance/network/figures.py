"""What a run shows of itself: how much was sent, how long it took, how long nobody served.

A figure is taken from `Scenario.begin` on, and says nothing of what came before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from conformance.network.clock import MILLISECOND
from conformance.network.reads import Reads
from conformance.observe.observed import Observed
from spec.values import (
    AppendEntriesCall,
    ElectionTimeout,
    Event,
    Heartbeat,
    Index,
    NodeId,
    Outcome,
    Position,
    ProposeCommand,
    StepDown,
    Term,
)


@dataclass(slots=True)
class Follower:
    """What the leaders sent to one server, and what it needed.

    lacked     entries of the leader's log that it had not at `begin`; `target` is the last of them
    caught_up  when it had them all
    own_time   how long its link takes to carry them, at the least
    """

    lacked: int = 0
    target: Index = 0
    caught_up: int | None = None
    own_time: int = 0
    calls: int = 0
    entries: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class Figures:
    """Filled in by the cluster as it runs; `table` has the figures by name."""

    begin: int
    round_trip: int
    reads: Reads
    followers: dict[NodeId, Follower] = field(default_factory=dict)
    largest_call: int = 0
    most_in_flight: int = 0
    snapshots: Counter[NodeId] = field(default_factory=Counter)
    proposed: int = 0
    unserved: int = 0
    drains_that_proposed: int = 0
    heartbeats: int = 0
    latencies: list[int] = field(default_factory=list)
    leaders: list[tuple[int, Term, NodeId]] = field(default_factory=list)
    """When who was first seen to lead which term."""
    longest_gap: int = 0
    """The longest time without a commit, while commands that had come were not committed."""
    first_index: Index = 0
    last_index: Index = 0
    """Of the leader's log: at `begin`, and at its longest."""
    _waiting: dict[Index, tuple[NodeId, Term, int, int]] = field(default_factory=dict)
    """By index: by whom, in which term and when it was proposed, and the heartbeats until then."""
    _commits: dict[NodeId, Index] = field(default_factory=dict)
    _without_service: tuple[int, int] | None = None
    """The first and the last time that a command came and none has been committed since."""
    heartbeats_to_commit: int = 0
    """The most heartbeats that any command waited for."""
    events: int = 0
    """Inputs to nodes, of the whole run."""
    stepped_down: int | None = None
    """When a leader first did."""
    changed: int | None = None
    """When a change of membership that was asked for was complete."""
    longest_away: int = 0
    _away: tuple[int, int] | None = None
    """The first and the last time that a command was not taken, and none has been since."""

    def sent(self, now: int, to: NodeId, message: object) -> None:
        if now < self.begin:
            return
        if isinstance(message, AppendEntriesCall):
            follower, count = self.followers[to], len(message.entries)
            follower.calls += 1
            follower.entries += count
            follower.in_flight += count
            self.largest_call = max(self.largest_call, count)
            self.most_in_flight = max(self.most_in_flight, follower.in_flight)

    def arrived(self, to: NodeId, message: object) -> None:
        """It has arrived, or was lost: it is under way no more."""
        if isinstance(message, AppendEntriesCall):
            follower = self.followers[to]
            follower.in_flight = max(0, follower.in_flight - len(message.entries))

    def came(self, now: int, commands: int, served: bool) -> None:
        """A client has brought commands; not `served`: to nobody, for nobody leads."""
        if now >= self.begin:
            since = now if self._without_service is None else self._without_service[0]
            self._without_service = since, now
            if not served:
                self._not_taken(now, commands)

    def _not_taken(self, now: int, commands: int) -> None:
        self.unserved += commands
        self._away = now if self._away is None else self._away[0], now

    def taken(self, now: int, node: NodeId, event: Event, outcome: Outcome) -> None:
        """A node was handed an input."""
        self.events += 1
        if now < self.begin:
            return
        if isinstance(event, ProposeCommand):
            if not isinstance(outcome, Position):
                self._not_taken(now, 1)
                return
            self.proposed += 1
            self._waiting[outcome.index] = node, outcome.term, now, self.heartbeats
            if self._away is not None:
                self.longest_away = max(self.longest_away, now - self._away[0])
                self._away = None
        elif isinstance(event, StepDown) and self.stepped_down is None:
            self.stepped_down = now

    def to_be_drained(self, now: int, events: Iterable[Event], anyway: bool) -> None:
        """What a leader has to send calls for: a drain that proposed, a heartbeat, or reads.

        `anyway`: the drain was to come without these events too.
        """
        if now < self.begin:
            return
        kinds = {type(event) for event in events}
        if ElectionTimeout in kinds:
            self.heartbeats += 1
        elif ProposeCommand in kinds and not anyway:
            self.drains_that_proposed += 1
        elif Heartbeat in kinds:
            self.reads.rounds += 1

    def shown(self, now: int, node: NodeId, state: Observed) -> None:
        """What is seen of a server once it has taken an input, or was drained."""
        self.reads.shown(state.commit_index)
        if state.role == "leader":
            self.last_index = max(self.last_index, state.last_position.index)
            if not self.leaders or state.current_term > self.leaders[-1][1]:
                self.leaders.append((now, state.current_term, node))
                self._waiting.clear()  # nobody tells what becomes of them
        follower = self.followers[node]
        if follower.lacked and follower.caught_up is None:
            if state.last_position.index >= follower.target:
                follower.caught_up = now
        before = self._commits.get(node, 0)
        if state.commit_index > before:
            self._commits[node] = state.commit_index
            if state.role == "leader":
                self._committed(now, node, state.current_term, before, state.commit_index)

    def _committed(
        self, now: int, node: NodeId, term: Term, before: Index, commit_index: Index
    ) -> None:
        for index in range(before + 1, commit_index + 1):
            waited = self._waiting.pop(index, None)
            if waited is None or waited[:2] != (node, term):
                continue
            self.latencies.append(now - waited[2])
            self.heartbeats_to_commit = max(self.heartbeats_to_commit, self.heartbeats - waited[3])
            if self._without_service is not None:
                since, last = self._without_service
                self.longest_gap = max(self.longest_gap, now - since)
                self._without_service = (now, last) if self._waiting else None

    @property
    def gap(self) -> int:
        """`longest_gap`, or up to the last command that came where none was committed after."""
        since, last = self._without_service or (0, 0)
        return max(self.longest_gap, last - since)

    @property
    def away(self) -> int:
        """`longest_away`, or up to the last command that was not taken."""
        since, last = self._away or (0, 0)
        return max(self.longest_away, last - since)

    @property
    def led_after_begin(self) -> int | None:
        """How long after `begin` somebody led a term that nobody had led before."""
        return next((at - self.begin for at, _, _ in self.leaders if at >= self.begin), None)

    def needed(self, to: NodeId) -> int:
        return self.followers[to].lacked + self.last_index - self.first_index

    def catch_up(self, now: int) -> float:
        """By how much the slowest follower took longer to catch up than its link needs."""
        ratios = [
            ((now if one.caught_up is None else one.caught_up) - self.begin) / one.own_time
            for one in self.followers.values()
            if one.own_time
        ]
        return max(ratios, default=0.0)

    def table(self, now: int) -> dict[str, float]:
        """All figures by name, in the units that `MEANING` gives.  One with nothing to say is 0."""
        expected = self.drains_that_proposed + self.heartbeats
        ratios = [one.entries / self.needed(to) for to, one in self._sent_to() if self.needed(to)]
        calls = [one.calls / expected for _, one in self._sent_to() if expected]
        waits = sorted(self.latencies)
        return {
            "entries": max(ratios, default=0.0),
            "calls": max(calls, default=0.0),
            "largest_call": self.largest_call,
            "in_flight": self.most_in_flight,
            "latency": share(waits, 50) / self.round_trip,
            "latency_99": share(waits, 99) / self.round_trip,
            "heartbeats": max([self.heartbeats_to_commit, *self._heartbeats_waited()]),
            "waiting": len(self._waiting),
            "catch_up": self.catch_up(now),
            "leaders": sum(at >= self.begin for at, _, _ in self.leaders),
            "gap": self.gap / MILLISECOND,
            "unserved": self.unserved,
            "snapshots": max(self.snapshots.values(), default=0),
            "away": self.away / self.round_trip,
            "stepped_down": self._since_begin(self.stepped_down, now),
            "changed": self._since_begin(self.changed, now),
            "events": self.events,
        } | self._of_reads()

    def _of_reads(self) -> dict[str, float]:
        reads, waits = self.reads, sorted(self.reads.latencies)
        came, others = max(reads.came, 1), len(self.followers) - 1
        return {
            "read_latency": share(waits, 50) / self.round_trip,
            "read_latency_99": share(waits, 99) / self.round_trip,
            "read_messages": 2 * others * reads.rounds / came,
            "reads_unserved": (reads.came - len(waits)) / came,
            "reads_stale": len(reads.stale),
        }

    def _since_begin(self, time: int | None, now: int) -> float:
        """Of what has not happened: all the time."""
        return ((now if time is None else time) - self.begin) / MILLISECOND

    def _heartbeats_waited(self) -> list[int]:
        return [self.heartbeats - waited[3] for waited in self._waiting.values()]

    def _sent_to(self) -> list[tuple[NodeId, Follower]]:
        return [(to, one) for to, one in self.followers.items() if one.calls]


MEANING: Final = {
    "entries": "entries sent per entry needed, of the follower with most",
    "calls": "calls sent to it per drain that proposed and heartbeat",
    "largest_call": "entries in the largest call",
    "in_flight": "entries under way to one follower at most",
    "latency": "from proposal to commit, median, in round trips",
    "latency_99": "the same, 99 %",
    "heartbeats": "heartbeats that a command waited for to be committed, at most",
    "waiting": "commands not committed at the end",
    "catch_up": "time until a follower had all that it lacked, by what its link needs for that",
    "leaders": "terms led after the beginning",
    "gap": "longest time without a commit while commands came or waited, in ms",
    "unserved": "commands that found no leader",
    "snapshots": "times that a snapshot was asked for, of one follower",
    "away": "longest time in which commands came and no node took one, in round trips",
    "stepped_down": "until a leader stepped down of itself, in ms",
    "changed": "until a change of membership was complete, in ms",
    "events": "inputs to nodes, in all",
    "read_latency": "from a read's arrival until it is served, median, in round trips",
    "read_latency_99": "the same, 99 %",
    "read_messages": "messages sent for reads alone, by reads",
    "reads_unserved": "share of the reads that were not served",
    "reads_stale": "reads that did not see what was committed before",
} | {
    f"led_{share}{suffix}": f"{what}: {unit}"
    for share, what in (
        ("median", "time to a leader, median of the runs"),
        ("90", "the same, 90 %"),
        ("most", "the same, the longest"),
    )
    for suffix, unit in (
        ("", "ms"),
        ("_figure_2", "ms, with timers set as Figure 2 says"),
        ("_ratio", "the former by the latter"),
    )
}


def share(ascending: list[int], percent: int) -> int:
    """The value that so many percent of them do not exceed; 0 of none."""
    if not ascending:
        return 0
    return ascending[max(0, -(-len(ascending) * percent // 100) - 1)]
