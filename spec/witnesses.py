"""SOMETIMES: what a run must come by, or its properties may have held of nothing.

A witness is a predicate on one server's turn.  A run counts how often each was seen; one that a
long run never saw means that the run says nothing about what the witness stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from spec import values as v
from spec.cluster import Turn
from spec.quorums import confirmed_by_quorum, read_taken_now

DRAIN: Final = "drain"


@dataclass(frozen=True, slots=True)
class Witness:
    name: str
    source: str
    at: tuple[object, ...]
    """The kinds of event that it may be seen at, or a drain."""
    seen: Callable[[Turn, v.Node, v.Node], bool]
    """The turn, and the node whose it was, before and after."""


def leader_elected(_: Turn, before: v.Node, after: v.Node) -> bool:
    return isinstance(after.role, v.Leader) and not isinstance(before.role, v.Leader)


def election_without_winner(_: Turn, before: v.Node, after: v.Node) -> bool:
    return (
        isinstance(before.role, v.Candidate)
        and isinstance(after.role, v.Candidate)
        and after.current_term > before.current_term
    )


def leader_deposed(_: Turn, before: v.Node, after: v.Node) -> bool:
    return isinstance(before.role, v.Leader) and after.current_term > before.current_term


def timer_ran_on(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A follower took over a term, and its election was not put off."""
    return (
        isinstance(turn.event, v.Receive)
        and isinstance(before.role, v.Follower)
        and after.current_term > before.current_term
        and not turn.after.pending.set_election_timeout
    )


def candidate_followed_leader(_: Turn, before: v.Node, after: v.Node) -> bool:
    return (
        isinstance(before.role, v.Candidate)
        and isinstance(after.role, v.Follower)
        and after.current_term == before.current_term
    )


def conflict_dropped(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A follower's entries made way for the leader's, or were dropped before any came."""
    if not isinstance(turn.event, v.Receive) or after.log is before.log:
        return False
    kept = min(before.log.last_index, after.log.last_index)
    return kept < before.log.last_index or after.log.term(kept) != before.log.term(kept)


def whole_terms_dropped(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A probe that did not match took more than one entry with it (D6)."""
    return (
        isinstance(turn.event, v.Receive)
        and isinstance(turn.event.message, v.AppendEntriesCall)
        and after.log.last_index + 1 < before.log.last_index
    )


def config_rolled_back(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A configuration was in force and was never committed (§6)."""
    return (
        isinstance(turn.event, v.Receive)
        and after.log.last_index < before.log.config_index
        and after.log.snapshot_position == before.log.snapshot_position
    ) or (
        isinstance(turn.event, v.Receive)
        and before.log.config_index > before.log.snapshot_position.index
        and after.log.last_index >= before.log.config_index > after.log.snapshot_position.index
        and after.log.entry(before.log.config_index) != before.log.entry(before.log.config_index)
    )


def committed_indirectly(_: Turn, before: v.Node, after: v.Node) -> bool:
    """An entry of an earlier term was committed along with one of the leader's own (Figure 8)."""
    first = before.commit_index + 1
    return (
        isinstance(before.role, v.Leader)
        and after.log.snapshot_position.index < first <= after.commit_index
        and after.log.entry(first).term < after.current_term
    )


def joint_config_committed(_: Turn, before: v.Node, after: v.Node) -> bool:
    index = before.log.config_index
    return before.config.is_joint and before.commit_index < index <= after.commit_index


def change_completed(_: Turn, before: v.Node, after: v.Node) -> bool:
    """The configuration that follows a joint one was committed by its leader."""
    index = after.log.config_index
    return (
        isinstance(before.role, v.Leader)
        and not after.config.is_joint
        and index > 1
        and before.commit_index < index <= after.commit_index
    )


def removed_leader_stepped_down(_: Turn, before: v.Node, after: v.Node) -> bool:
    return (
        isinstance(before.role, v.Leader)
        and isinstance(after.role, v.Follower)
        and after.current_term == before.current_term
    )


def non_voter_replicated(_: Turn, before: v.Node, after: v.Node) -> bool:
    """A node without a vote was brought up to the leader's last entry."""
    if not isinstance(after.role, v.Leader) or after.role is before.role:
        return False
    return any(
        peer.node in after.config.non_voters and peer.match == after.log.last_index
        for peer in after.role.peers
    )


def snapshot_needed(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return any(isinstance(action, v.InstallSnapshot) for action in turn.owed or ())


def lagging_installed(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return (
        isinstance(turn.event, v.SnapshotInstalled)
        and turn.outcome is True
        and before.commit_index < turn.event.position.index
    )


def snapshot_kept_suffix(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return (
        isinstance(turn.event, v.SnapshotInstalled)
        and after.log.snapshot_position.index > before.log.snapshot_position.index
        and after.log.last_index > after.log.snapshot_position.index
    )


def pending_action_compacted(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return isinstance(turn.event, v.SnapshotInstalled) and turn.before.pending != turn.after.pending


def append_before_snapshot(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """Entries that the snapshot covers came again (D5)."""
    match turn.event:
        case v.Receive(v.AppendEntriesCall(term=term, prev_position=prev)):
            return term == after.current_term and prev.index < before.log.snapshot_position.index
    return False


def stale_refusal_ignored(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A call was refused before which the peer had been sent a call of its own."""
    return _refusal_ignored(turn, before, after, lambda peer: peer.probe)


def earlier_life_answered(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A leader got the answer to a call of an earlier term, in its own."""
    match turn.event, before.role:
        case v.Receive(v.AppendEntriesReply(_, term, 0)), v.Leader():
            return term == before.current_term
    return False


def calls_limited(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """What a peer lacks was more than one call may carry."""
    calls = [one.message for one in turn.owed or () if isinstance(one, v.SendMessage)]
    return any(
        isinstance(call, v.AppendEntriesCall)
        and len(call.entries) == after.limits.entries
        and call.prev_position.index + len(call.entries) < after.log.last_index
        for call in calls
    )


def snapshot_asked_once(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A peer needs a snapshot, and that was said already (§7)."""
    return _refusal_ignored(turn, before, after, lambda peer: peer.asked)


def _refusal_ignored(
    turn: Turn, before: v.Node, after: v.Node, since: Callable[[v.Progress], v.SeqNo]
) -> bool:
    """A peer refused a call with a lower number than that, and nothing came of it."""
    match turn.event, before.role:
        case v.Receive(v.AppendEntriesReply(sender, term, seqno, _, False)), v.Leader(peers):
            return (
                term == before.current_term
                and seqno > 0
                and turn.before.pending == turn.after.pending
                and any(peer.node == sender and seqno < since(peer) for peer in peers)
            )
    return False


def proposals_pipelined(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """Several proposals were one write and one broadcast."""
    return isinstance(before.role, v.Leader) and any(
        isinstance(action, v.AppendLogEntries) and len(action.entries) > 1
        for action in turn.owed or ()
    )


def committed_at_end_of_drain(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """An only voter committed what it had just written."""
    return turn.owed is not None and after.commit_index > before.commit_index


def read_confirmed(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A quorum has answered a later call, which confirms the reads before that call."""
    if read_taken_now(before) is None or not isinstance(after.role, v.Leader):
        return False
    return confirmed_by_quorum(after) > confirmed_by_quorum(before)


def leader_gave_up(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A leader stepped down because its user said so."""
    return turn.outcome is True


def refused_in_transfer(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A leader that hands over took no proposal."""
    return turn.outcome == v.Refused("transferring")


def transfer_elected(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """Who was asked to campaign leads."""
    asked = isinstance(before.role, v.Candidate) and before.role.transfer
    return asked and isinstance(after.role, v.Leader)


def voter_demoted(turn: Turn, before: v.Node, after: v.Node) -> bool:
    """A voter became a non-voter in one change."""
    old, new = before.config, after.config
    return old.is_joint and not new.is_joint and bool(old.voters & new.non_voters)


def crashed_within_drain(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return turn.owed is not None and 0 < len(turn.executed) < len(turn.owed)


def restarted_with_log(turn: Turn, before: v.Node, after: v.Node) -> bool:
    return isinstance(turn.event, v.Restart) and after.log.last_index > 0


LEADS = (v.Receive, DRAIN)
COMMITS = (v.Receive, DRAIN)
INSTALLS = (v.SnapshotInstalled,)
PROPOSES = (v.ProposeCommand, v.ProposeConfig)

SOMETIMES: tuple[Witness, ...] = (
    Witness("LeaderElected", "§5.2", LEADS, leader_elected),
    Witness("ElectionWithoutWinner", "§5.2", (v.ElectionTimeout,), election_without_winner),
    Witness("LeaderDeposed", "§5.1", (v.Receive,), leader_deposed),
    Witness("TimerRanOn", "§5.2, Figure 2", (v.Receive,), timer_ran_on),
    Witness("CandidateFollowedLeader", "§5.2, D2", (v.Receive,), candidate_followed_leader),
    Witness("ConflictDropped", "§5.3", (v.Receive,), conflict_dropped),
    Witness("WholeTermsDropped", "§5.3, D6", (v.Receive,), whole_terms_dropped),
    Witness("CommittedIndirectly", "§5.4.2", COMMITS, committed_indirectly),
    Witness("JointConfigCommitted", "§6", COMMITS, joint_config_committed),
    Witness("ChangeCompleted", "§6", COMMITS, change_completed),
    Witness("ConfigRolledBack", "§6", (v.Receive,), config_rolled_back),
    Witness("RemovedLeaderSteppedDown", "§6, D3", COMMITS, removed_leader_stepped_down),
    Witness("NonVoterReplicated", "§6", (v.Receive,), non_voter_replicated),
    Witness("SnapshotNeeded", "§7", (DRAIN,), snapshot_needed),
    Witness("LaggingFollowerInstalledSnapshot", "§7, D4", INSTALLS, lagging_installed),
    Witness("SnapshotKeptSuffix", "§7", INSTALLS, snapshot_kept_suffix),
    Witness("PendingActionCompacted", "§7", INSTALLS, pending_action_compacted),
    Witness("AppendBeforeSnapshot", "§7, D5", (v.Receive,), append_before_snapshot),
    Witness("StaleRefusalIgnored", "§5.3", (v.Receive,), stale_refusal_ignored),
    Witness("EarlierLifeAnswered", "§5.1", (v.Receive,), earlier_life_answered),
    Witness("CallsLimited", "§5.3", (DRAIN,), calls_limited),
    Witness("SnapshotAskedOnce", "§7", (v.Receive,), snapshot_asked_once),
    Witness("ReadConfirmed", "§8; dissertation, §6.4", (v.Receive,), read_confirmed),
    Witness("LeaderGaveUp", "dissertation, §6.2", (v.StepDown,), leader_gave_up),
    Witness("RefusedInTransfer", "dissertation, §3.10", PROPOSES, refused_in_transfer),
    Witness("TransferElected", "dissertation, §3.10", LEADS, transfer_elected),
    Witness("VoterDemoted", "§6", COMMITS, voter_demoted),
    Witness("ProposalsPipelined", "§5.3", (DRAIN,), proposals_pipelined),
    Witness("CommittedAtEndOfDrain", "§5.3", (DRAIN,), committed_at_end_of_drain),
    Witness("CrashedWithinDrain", "Figure 2", (DRAIN,), crashed_within_drain),
    Witness("RestartedWithLog", "Figure 2", (v.Restart,), restarted_with_log),
)


def seen_in(turn: Turn) -> list[str]:
    """The names of the witnesses that a turn is."""
    kind = DRAIN if turn.owed is not None else type(turn.event)
    old, new = turn.before.node, turn.after.node
    return [one.name for one in SOMETIMES if kind in one.at and one.seen(turn, old, new)]
