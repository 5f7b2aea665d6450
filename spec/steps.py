"""STEP: what holds of every step, as predicates on what it did and on each executed action.

A predicate returns None where the property holds, and otherwise says what is wrong.
"""

from __future__ import annotations

from spec import values as v
from spec.always import Detail, entries_between
from spec.cluster import Cluster, Disk, Executed, Turn
from spec.quorums import is_quorum


def term_monotonic(before: v.Node | Disk, after: v.Node | Disk) -> Detail:
    """§5.1: the current term increases monotonically; on the disk too, where a restart finds it."""
    if before.current_term <= after.current_term:
        return None
    return f"from {before.current_term} to {after.current_term}"


def commit_monotonic(before: v.Node, after: v.Node) -> Detail:
    if before.commit_index <= after.commit_index:
        return None
    return f"from {before.commit_index} to {after.commit_index}"


def vote_kept_in_term(before: v.Node, after: v.Node) -> Detail:
    """§5.2: a vote, once given, stays given for the term (D3)."""
    if before.current_term != after.current_term or before.voted_for in (None, after.voted_for):
        return None
    return f"from {before.voted_for} to {after.voted_for} in term {after.current_term}"


def leader_append_only(before: v.Node, after: v.Node) -> Detail:
    """§5.3: a leader never overwrites or deletes entries in its log; it only appends."""
    if not (isinstance(before.role, v.Leader) and isinstance(after.role, v.Leader)):
        return None
    first = max(before.log.snapshot_position.index, after.log.snapshot_position.index)
    last = before.log.last_index
    if after.log.last_index >= last and (
        after.log is before.log
        or entries_between(before.log, first, last) == entries_between(after.log, first, last)
    ):
        return None
    return f"a log up to {last} became one up to {after.log.last_index}"


def committed_entries_stay(before: v.Node, after: v.Node) -> Detail:
    """§5.4.3: what a running server has committed never changes."""
    if before.log is after.log:
        return None
    first = max(before.log.snapshot_position.index, after.log.snapshot_position.index)
    last = before.commit_index
    if after.log.last_index >= last and (
        last <= first
        or entries_between(before.log, first, last) == entries_between(after.log, first, last)
    ):
        return None
    return f"the entries up to commit index {last} are not what they were"


def commits_own_term_only(before: v.Node, after: v.Node) -> Detail:
    """§5.4.2: a leader counts replicas of entries of its own term alone."""
    grown = _leader_commit(before, after)
    if grown is None:
        return None
    node, index = grown
    if node.log.term(index) == node.current_term:
        return None
    return f"index {index} of term {node.log.term(index)} in term {node.current_term}"


def committed_on_quorum(before: v.Node, after: v.Node, cluster: Cluster) -> Detail:
    """§5.3, §6: what a leader commits is on the disks of a quorum of its configuration.

    The configuration is the one under which it was counted, which the commitment may end.  The end
    of a drain may commit twice: a joint configuration, and the one that follows it, where the
    leader alone is a majority of that.
    """
    grown = _leader_commit(before, after)
    if grown is None:
        return None
    node, index = grown
    counted = [(before.config, index)]
    if before.log.config_index < node.log.config_index <= index:
        counted = [(before.config, before.log.config_index), (node.config, index)]
    for config, upto in counted:
        position = node.log.position(upto)
        holders = frozenset(
            member.node.id for member in cluster.members if _holds(member.disk.log, upto, position)
        )
        if not is_quorum(config, holders):
            return f"{position} is on the disks of {sorted(holders)} only, of {config}"
    return None


def _holds(log: v.Log, index: v.Index, position: object) -> bool:
    if index < log.snapshot_position.index:
        return True
    return index <= log.last_index and log.position(index) == position


def _leader_commit(before: v.Node, after: v.Node) -> tuple[v.Node, v.Index] | None:
    """The leader that advanced its commit index by counting, and to where."""
    if not isinstance(before.role, v.Leader) or after.commit_index <= before.commit_index:
        return None
    if after.current_term != before.current_term:
        return None
    return after, after.commit_index


def elected_by_quorum(before: v.Node, after: v.Node, cluster: Cluster) -> Detail:
    """§5.2, §6: a leader has the votes of a quorum of its configuration."""
    if not isinstance(after.role, v.Leader) or isinstance(before.role, v.Leader):
        return None
    voters = frozenset(
        who
        for who, term, to in cluster.history.votes
        if term == after.current_term and to == after.id
    )
    if is_quorum(after.config, voters | {after.id}):
        return None
    return f"elected in term {after.current_term} by {sorted(voters)} only, of {after.config}"


def campaigns_as_elector(before: v.Node, after: v.Node) -> Detail:
    """§6: a non-voter does not campaign, nor one whose removal it knows to be committed.

    Until then it may (dissertation, §4.2.2).
    """
    if not isinstance(after.role, v.Candidate) or after.current_term == before.current_term:
        return None
    log = after.log
    if after.id in log.config.electors:
        return None
    later = [entry.payload for entry in log.after(after.commit_index)]
    standing = [log.config_at(after.commit_index), *later]
    if any(isinstance(one, v.Config) and after.id in one.electors for one in standing):
        return None
    return f"campaigns outside of {after.config}"


def config_change_through_joint(before: v.Node, after: v.Node) -> Detail:
    """§6: between two sets of voters lies a joint configuration of both, one at a time."""
    if not isinstance(before.role, v.Leader) or before.current_term != after.current_term:
        return None
    if before.config == after.config:
        return None
    old, new = before.config, after.config
    if (new.new_voters if new.is_joint else new.voters) & new.non_voters:
        return f"{new} has a node both as voter and non-voter"
    if old.is_joint:
        fine = new.voters == old.new_voters and not new.is_joint
    else:
        fine = new.voters == old.voters
    return None if fine else f"from {old} to {new}"


def joint_is_left(before: v.Node, after: v.Node) -> Detail:
    """§6: once C_old,new is committed, its leader proposes C_new at once."""
    grown = _leader_commit(before, after)
    if grown is None or not isinstance(grown[0].role, v.Leader):
        return None
    node, index = grown
    if node.config.is_joint and node.log.config_index <= index:
        return f"{node.config} is committed and still in force"
    return None


# STEP, one server's turn


def removed_leader_steps_down(turn: Turn) -> Detail:
    """§6: a leader that is no voter of C_new leads until C_new is committed, and no longer; in its
    own term nobody else steps down, but by its user's will.
    """
    before, after = turn.before.node, turn.after.node
    if isinstance(turn.event, (v.Start, v.Restart, v.StepDown)):
        return None
    if not isinstance(before.role, v.Leader) or before.current_term != after.current_term:
        return None
    committed = after.log.config_index <= after.commit_index
    removed = after.id not in after.config.electors
    if not isinstance(after.role, v.Leader):
        if removed and committed:
            return None
        return f"stepped down in its own term, under {after.config}"
    if removed and committed and _leader_commit(before, after):
        return f"leads although {after.config} is committed"
    return None


def leader_kept_in_term(turn: Turn) -> Detail:
    """§5.2: who is known to lead a term leads it alone."""
    old, new = turn.before.node, turn.after.node
    if old.leader in (None, new.leader) or new.leader is None:
        return None
    if old.current_term != new.current_term:
        return None
    return f"from {old.leader} to {new.leader} in term {new.current_term}"


def timer_set_by_cause(turn: Turn) -> Detail:
    """§5.2, Figure 2: each cause to set the election timer sets it, and nothing else does.

    It is owed until the user executes it, once for all the causes there were; so an event that
    finds it owed leaves it owed, and any other makes it owed exactly where it is a cause.  The end
    of a drain may be one too.
    """
    if turn.event is not None:
        was = turn.before.pending.set_election_timeout and not isinstance(turn.event, v.Restart)
        now = turn.after.pending.set_election_timeout
    elif turn.owed is not None:
        was = turn.before.pending.set_election_timeout
        now = any(isinstance(action, v.SetElectionTimeout) for action in turn.owed)
    else:
        return None
    if was:
        return None if now else "the timer was to be set, and is not"
    cause = _cause_to_set_timer(turn)
    if now == (cause is not None):
        return None
    return "the timer is set without a cause" if now else f"the timer is not set, although {cause}"


def _cause_to_set_timer(turn: Turn) -> str | None:
    """Figure 2, Rules for Servers; None where there is no cause.

    A timer that has run out is set again whoever it was for: a candidate's next election, a
    leader's next heartbeat; and where a server may not campaign today, it may tomorrow.  A leader
    that becomes a follower needs another timer than it had.  A candidate that becomes one has it,
    from the start of its election: a higher term alone does not set it anew.
    """
    old, new, event = turn.before.node, turn.after.node, turn.event
    if isinstance(turn.outcome, v.Refused) or isinstance(event, v.Start):
        return None
    if isinstance(event, v.Restart):
        return "the server comes up again"
    if isinstance(event, v.ElectionTimeout):
        return "it has run out"
    match new.role:
        case v.Candidate() if not isinstance(old.role, v.Candidate):
            return "an election starts"
        case v.Leader() if isinstance(event, v.Heartbeat):
            return "the leader shows that it is alive"
        case v.Leader() if new.log.last_index > old.log.last_index:
            return "the leader sends what it has appended"
        case v.Follower() if isinstance(old.role, v.Leader):
            return "the leader has become a follower"
        case v.Follower():
            return _heard_by_follower(turn)
    return None


def _heard_by_follower(turn: Turn) -> str | None:
    """Figure 2, Rules for Servers, followers: the two RPCs that put off an election."""
    node = turn.after.node
    match turn.event:
        case v.Receive(v.AppendEntriesCall(sender, term)):
            if term == node.current_term and sender != node.id:
                return "the leader of the term has called"
        case v.Receive(v.RequestVoteCall(sender, _, seqno)):
            for send in turn.after.pending.sends:
                match send.message:
                    case v.RequestVoteReply(_, _, of, True) if send.to == sender and of == seqno:
                        return "a vote is granted"
    return None


# STEP, one message that is taken


def reply_is_to_own_call(node: v.Node, message: v.Message) -> Detail:
    """What a leader is told of its calls it has sent in this life (Figure 2, results of the RPC).

    Call numbers begin anew with each life.  A reply to a late call of an earlier one, in the term
    of this one, would pass for the reply to a call that is still to be made.
    """
    match node.role, message:
        case v.Leader(), v.AppendEntriesReply(sender, term, seqno) if (
            term == node.current_term and seqno > node.seqno
        ):
            return f"node {sender} replies to call {seqno}, the latest one was {node.seqno}"
    return None


# STEP, one executed action


def vote_persisted_before_reply(done: Executed) -> Detail:
    """Figure 2, "updated on stable storage before responding": the vote."""
    match done.action:
        case v.SendMessage(to, v.RequestVoteReply(_, term, _, True)):
            disk = done.disk
            if (disk.current_term, disk.voted_for) == (term, to):
                return None
            return (
                f"votes for {to} in term {term}, the disk has {disk.voted_for} "
                f"in term {disk.current_term}"
            )
    return None


def term_persisted_before_message(done: Executed) -> Detail:
    """Figure 2, "updated on stable storage before responding": the term."""
    match done.action:
        case v.SendMessage(_, message) | v.BroadcastMessage(message):
            if done.disk.current_term < message.term:
                return f"sends in term {message.term}, the disk has {done.disk.current_term}"
    return None


def entries_persisted_before_reply(done: Executed) -> Detail:
    """Figure 2, "updated on stable storage before responding": the log.

    A report counts for an entry of the message's own term alone (§5.4.2).  What a node reported
    of earlier terms to a leader that has been replaced may be gone before the reply leaves.
    """
    match done.action:
        case v.SendMessage(_, v.AppendEntriesReply(_, term, _, last_position)):
            log = done.disk.log
            if last_position.term < term or last_position.index < log.snapshot_position.index:
                return None
            if not log.contains(last_position):
                return f"reports {last_position}, the disk ends at {log.last_position}"
    return None


def write_continues_log(done: Executed) -> Detail:
    """What is appended follows something that the disk has."""
    match done.action:
        case v.AppendLogEntries(prev_position):
            if done.disk.log.contains(prev_position):
                return None
            return f"appends after {prev_position}, the disk ends at {done.disk.log.last_position}"
    return None
