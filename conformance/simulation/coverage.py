"""`conformance check --coverage`: which situations the schedules came by, and how often.

`spec.witnesses` says what a run must see for its properties to have held of something.  This is a
finer table, of what is rare: each kind of event in each role, each reason to refuse, sizes, and
what takes several faults together.  A situation is a predicate on one server's turn.  That a long
run sees it less often than expected means that a change of the schedules has lost it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple, get_args

from spec import values as v
from spec.cluster import Turn

AT: Final = 200_000
"""The events at which so many are expected."""


class Situation(NamedTuple):
    """`least`: how often it is expected in a run of AT events."""

    name: str
    least: int
    seen: Callable[[Turn, v.Node, v.Node], object]
    """The turn, and the node whose it was, before and after."""


class Coverage:
    """Counts the situations of a run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def see(self, turn: Turn) -> None:
        before, after = turn.before.node, turn.after.node
        counts = self.counts
        if isinstance(turn.outcome, v.Refused):
            counts[_refused(turn.outcome.reason)] += 1
        if turn.event is not None:
            in_role = _in_role(_kind(turn.event), type(before.role).__name__)
            if in_role in LEAST:
                counts[in_role] += 1
        for situation in OTHERS:
            if situation.seen(turn, before, after):
                counts[situation.name] += 1

    def missing(self, events: int) -> list[str]:
        """What was seen less often than is expected of so many events."""
        return [name for name, least in LEAST.items() if self.counts[name] < least * events // AT]

    def as_json(self, events: int) -> dict[str, object]:
        return {
            "situations": {name: self.counts[name] for name in LEAST},
            "less_than_expected": self.missing(events),
        }


def _kind(event: v.Event) -> str:
    return type(event.message if isinstance(event, v.Receive) else event).__name__


def _in_role(kind: str, role: str) -> str:
    return f"{kind} at a {role.lower()}"


def _refused(reason: str) -> str:
    return f"refused: {reason}"


# What takes more to tell


def _entries(turn: Turn) -> v.Entries:
    match turn.event:
        case v.Receive(v.AppendEntriesCall(entries=entries)):
            return entries
    return ()


def _crashed(turn: Turn) -> bool:
    return turn.before.up and not turn.after.up


def _installed(turn: Turn) -> v.Position | None:
    match turn.event:
        case v.SnapshotInstalled(position) if turn.outcome is True:
            return position
    return None


def _denied(turn: Turn, before: v.Node) -> v.Position | None:
    """The last position of a candidate that is denied a vote for it."""
    match turn.event:
        case v.Receive(v.RequestVoteCall(term=term, last_position=last)):
            return last if term >= before.current_term and last < before.log.last_position else None
    return None


def _refusal(turn: Turn, before: v.Node) -> v.Progress | None:
    """What a leader knows of a peer that has refused a call of its term."""
    match turn.event, before.role:
        case v.Receive(v.AppendEntriesReply(sender, term, _, _, False)), v.Leader(peers):
            if term == before.current_term:
                return next((peer for peer in peers if peer.node == sender), None)
    return None


def _longer_log_discarded(turn: Turn, before: v.Node, _: v.Node) -> bool:
    position = _installed(turn)
    return (
        position is not None
        and before.log.last_index >= position.index > before.commit_index
        and not before.log.contains(position)
    )


def _installed_by_candidate(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return _installed(turn) is not None and isinstance(before.role, v.Candidate)


def _installed_with_write_owed(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return _installed(turn) is not None and turn.before.pending.append is not None


def _installed_by_non_voter(turn: Turn, before: v.Node, after: v.Node) -> bool:
    position = _installed(turn)
    return (
        position is not None
        and position.index > before.commit_index
        and before.id not in after.config.electors
    )


def _over_nine_terms(turn: Turn, before: v.Node, after: v.Node) -> bool:
    entries = _entries(turn)
    return len(entries) > 9 and len({entry.term for entry in entries}) >= 9


def _two_configs_in_call(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return sum(isinstance(entry.payload, v.Config) for entry in _entries(turn)) > 1


def _joint_at_crash(turn: Turn, before: v.Node, _: v.Node) -> bool:
    return _crashed(turn) and before.config.is_joint


def _came_up(turn: Turn, after: v.Node) -> bool:
    return isinstance(turn.event, v.Restart) and turn.after.up and after.log.last_index > 0


def _crash_between_term_and_vote(turn: Turn, before: v.Node, after: v.Node) -> bool:
    done = {type(one.action) for one in turn.executed}
    owed = {type(one) for one in turn.owed or ()}
    return v.SaveCurrentTerm in done and v.SaveVotedFor in owed - done


def _crash_before_write(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A leader has sent entries that it has not written."""
    done = {type(one.action) for one in turn.executed}
    owed = {type(one) for one in turn.owed or ()}
    return v.BroadcastMessage in done and v.AppendLogEntries in owed - done


def _handover_interrupted(_: Turn, before: v.Node, after: v.Node) -> bool:
    role = before.role
    led = isinstance(role, v.Leader) and role.transfer is not None
    return led and not isinstance(after.role, v.Leader)


def _window_full(turn: Turn, _: v.Node, after: v.Node) -> bool:
    """A peer is not sent what it lacks, since as much as may be is under way."""
    limits = after.limits
    return isinstance(after.role, v.Leader) and any(
        peer.next is not None
        and not peer.probing
        and peer.next - 1 - peer.match >= limits.entries * limits.calls
        for peer in after.role.peers
    )


def _old_refusal(turn: Turn, before: v.Node, _: v.Node) -> bool:
    """A reply from before the peer held what it is known to hold."""
    peer = _refusal(turn, before)
    return (
        peer is not None
        and isinstance(turn.event, v.Receive)
        and isinstance(turn.event.message, v.AppendEntriesReply)
        and turn.event.message.last_position.index < peer.match
    )


def _refused_while_waiting_for_snapshot(turn: Turn, before: v.Node, _: v.Node) -> bool:
    peer = _refusal(turn, before)
    snapshot = before.log.snapshot_position.index
    return peer is not None and peer.next is not None and peer.next <= snapshot


def _term_jumped(_: Turn, before: v.Node, after: v.Node) -> bool:
    return after.current_term - before.current_term >= 2**31 and before.current_term > 0


def _configs(log: v.Log) -> int:
    return sum(isinstance(entry.payload, v.Config) for entry in log.entries)


def _committed_at_once(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return isinstance(before.role, v.Leader) and after.commit_index - before.commit_index >= 10


def _elected(before: v.Node, after: v.Node) -> bool:
    return isinstance(after.role, v.Leader) and not isinstance(before.role, v.Leader)


def _elected_in_joint(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return _elected(before, after) and before.config.is_joint


def _elected_with_uncommitted(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return _elected(before, after) and before.log.last_index - before.commit_index >= 5


OTHERS: Final = (
    Situation("a snapshot discards a log that is longer", 1, _longer_log_discarded),
    Situation("a candidate takes a snapshot", 20, _installed_by_candidate),
    Situation("a snapshot comes while a write is owed", 40, _installed_with_write_owed),
    Situation("a non-voter is brought a snapshot", 10, _installed_by_non_voter),
    Situation("a call over nine terms", 3, _over_nine_terms),
    Situation("a call with two configurations", 30, _two_configs_in_call),
    Situation("a crash in a joint configuration", 20, _joint_at_crash),
    Situation(
        "a restart in a joint configuration",
        20,
        lambda turn, _, after: _came_up(turn, after) and after.config.is_joint,
    ),
    Situation(
        "a restart with a snapshot",
        50,
        lambda turn, _, after: _came_up(turn, after) and after.log.snapshot_position.index,
    ),
    Situation("a crash between term and vote", 10, _crash_between_term_and_vote),
    Situation("a leader's crash before its write", 5, _crash_before_write),
    Situation("a handover that is interrupted", 20, _handover_interrupted),
    Situation("a full window", 50, _window_full),
    Situation("a refusal from before what is known", 10, _old_refusal),
    Situation("a refusal while a snapshot is awaited", 20, _refused_while_waiting_for_snapshot),
    Situation(
        "a vote denied for the last term",
        100,
        lambda turn, before, _: (
            (last := _denied(turn, before)) and last.term < before.log.last_position.term
        ),
    ),
    Situation(
        "a vote denied for the last index",
        50,
        lambda turn, before, _: (
            (last := _denied(turn, before)) and last.term == before.log.last_position.term
        ),
    ),
    Situation("a term that jumps by 2^31 or more", 20, _term_jumped),
    Situation(
        "a log of a hundred entries", 500, lambda _, before, after: len(after.log.entries) >= 100
    ),
    Situation(
        "a log of twelve configurations", 50, lambda _, before, after: _configs(after.log) >= 12
    ),
    Situation(
        "a leader of seven peers or more",
        50,
        lambda _, before, after: isinstance(after.role, v.Leader) and len(after.role.peers) >= 7,
    ),
    Situation("a call number of a thousand", 50, lambda _, before, after: after.seqno >= 1000),
    Situation("ten entries committed at once", 20, _committed_at_once),
    Situation("a leader elected in a joint configuration", 10, _elected_in_joint),
    Situation("a leader elected with five entries to commit", 20, _elected_with_uncommitted),
    Situation(
        "an only voter leads",
        20,
        lambda _, before, after: _elected(before, after) and len(before.config.electors) == 1,
    ),
)

REASONS: Final = (
    *("not_leader", "invalid_config", "cluster_exists", "invalid_snapshot"),
    *("too_many_uncommitted", "transferring", "invalid_transfer", "invariant"),
)

KINDS: Final = (
    *(type_ for type_ in get_args(v.Message)),
    *(v.ElectionTimeout, v.ProposeCommand, v.ProposeConfig, v.Heartbeat, v.StepDown),
    *(v.TransferLeadership, v.CancelTransfer, v.TimeoutNow, v.SnapshotInstalled),
)

LEAST: Final[dict[str, int]] = {
    **{
        _in_role(kind.__name__, role): 10
        for kind in KINDS
        for role in ("Follower", "Candidate", "Leader")
    },
    **{_refused(reason): 10 for reason in REASONS},
    **{situation.name: situation.least for situation in OTHERS},
}
"""Every situation, and how often it is expected in a run of AT events."""
