"""The rules of one node: an event and a state give an outcome, owed actions and the next state.

Read beside the Raft paper (Ongaro and Ousterhout, "In Search of an Understandable Consensus
Algorithm", extended version): § is a section of it, Figure 2 its summary.  "Dissertation" is
Ongaro, "Consensus: Bridging Theory and Practice".

Every rule is a pure function.  A rule that moves a node returns a `Move`: the next state and the
actions owed for it, in no particular order; `spec.pending` says how owed actions merge until the
user executes them, and in which order that is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple, TypeAlias

from spec.values import (
    COMMAND,
    TERM,
    ZERO,
    Action,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Candidate,
    Config,
    CreateCluster,
    ElectionTimeout,
    Entry,
    Event,
    Follower,
    Heartbeat,
    Index,
    InstallSnapshot,
    Leader,
    Message,
    Node,
    NodeId,
    Outcome,
    Payload,
    Position,
    Progress,
    ProposeCommand,
    ProposeConfig,
    Reason,
    Receive,
    Refused,
    RequestVoteCall,
    RequestVoteReply,
    Restart,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
    SnapshotInstalled,
    Start,
    Term,
)

Move: TypeAlias = tuple[Node, tuple[Action, ...]]
NOTHING_OWED: tuple[Action, ...] = ()


class Step(NamedTuple):
    """What one event did to a node."""

    outcome: Outcome
    owed: tuple[Action, ...]
    node: Node


def step(node: Node, event: Event) -> Step:
    """The one way in: every event a node may see, and the rule that answers it."""
    match event:
        case Receive(message):
            return receive(node, message)
        case ElectionTimeout():
            return moved(None, election_timeout(node))
        case ProposeCommand():
            return propose_command(node)
        case Heartbeat():
            return heartbeat(node)
        case ProposeConfig(config):
            return propose_config(node, config)
        case SnapshotInstalled(position, config):
            return snapshot_installed(node, position, config)
        case CreateCluster(voters):
            return create_cluster(node, voters)
        case Restart():
            return restart(node.id, event)
        case Start():
            return start(node.id)


def moved(outcome: Outcome, move: Move) -> Step:
    node, owed = move
    return Step(outcome, owed, node)


def refused(node: Node, reason: Reason, why: str) -> Step:
    return Step(Refused(reason, why), (), node)


# Coming up


def start(node_id: NodeId) -> Step:
    """A new node: a follower without a log, a term or a cluster."""
    return Step(None, (), Node(node_id))


def restart(node_id: NodeId, disk: Restart) -> Step:
    """§5.1, Figure 2 "persistent state": term, vote and log survive; the rest is learnt anew.

    Only the snapshot is known to be committed.  A log that cannot have been written together with
    this term is refused: a lost term would let the node vote twice.
    """
    log = disk.log
    terms = [log.snapshot_position.term, *(entry.term for entry in log.entries), disk.current_term]
    node = Node(
        node_id,
        current_term=disk.current_term,
        voted_for=disk.voted_for,
        log=log,
        commit_index=log.snapshot_position.index,
    )
    if any(later < earlier for earlier, later in pairwise(terms)):
        return refused(node, "invariant", "terms never fall in a log, nor below it")
    return Step(None, (SetElectionTimeout(),), node)


def create_cluster(node: Node, voters: frozenset[NodeId]) -> Step:
    """A cluster begins with a configuration entry at index 1 in term 0, and an election.

    The other voters stay empty until the first leader brings them that entry.
    """
    if node.log.last_position != ZERO or node.config.members:
        return refused(node, "cluster_exists", "the node has a log already")
    if node.id not in voters:
        return refused(node, "invalid_config", "the creator of a cluster is one of its voters")
    entry = Entry(0, Config(voters))
    node = node._replace(log=node.log.appended((entry,)))
    position = node.log.last_position
    node, owed = start_election(node)
    return Step(position, (AppendLogEntries(ZERO, (entry,)), *owed), node)


# Leader election, §5.2


def election_timeout(node: Node) -> Move:
    """§5.2: a follower or candidate starts an election; a leader shows that it is alive."""
    match node.role:
        case Leader():
            return broadcast_heartbeat(node)
    return start_election(node)


def start_election(node: Node) -> Move:
    """§5.2: increment the term, vote for oneself, ask the others."""
    if not may_campaign(node):
        return node, ()
    node = node._replace(
        role=Candidate(frozenset({node.id})),
        current_term=node.current_term + 1,
        voted_for=node.id,
    )
    owed = (
        SaveCurrentTerm(node.current_term),
        SaveVotedFor(node.voted_for),
        SetElectionTimeout(),
    )
    if has_quorum(node.config, frozenset({node.id})):
        node, more = become_leader(node)
        return node, owed + more
    node = node._replace(seqno=node.seqno + 1)
    call = RequestVoteCall(node.id, node.current_term, node.seqno, node.log.last_position)
    return node, (*owed, BroadcastMessage(call))


def may_campaign(node: Node) -> bool:
    """§6: who has a vote in the configuration in force; a non-voter has none.

    Who had one before keeps the right until a later configuration is known to be committed
    (dissertation, §4.2.2): it may be that only a log with that configuration can still win, and
    only those who left have one.
    """
    config, index = node.log.config, node.log.config_index
    while node.id not in config.electors:
        if index <= node.commit_index:
            return False
        config, index = node.log.latest_config(index - 1)
    return True


def become_leader(node: Node) -> Move:
    """§5.2, §8: nothing is known of the peers' logs; an entry of its own opens the term."""
    node = node._replace(role=Leader(tuple(Progress(peer) for peer in node.peers)))
    return append_as_leader(node, TERM)


def step_down(node: Node, term: Term) -> Move:
    """§5.1: a higher term makes anyone a follower, that has not voted in it yet.

    This is the only rule that clears a vote (D3).
    """
    node = node._replace(role=Follower(), current_term=term, voted_for=None)
    return node, (SaveCurrentTerm(term), SaveVotedFor(None), SetElectionTimeout())


def receive_request_vote_call(node: Node, call: RequestVoteCall) -> Move:
    """§5.2, §5.4.1: one vote a term, first come first served, to a log not behind one's own."""
    if call.term < node.current_term:
        reply = RequestVoteReply(node.id, node.current_term, call.seqno, False)
        return node, (SendMessage(call.sender, reply),)
    if call.last_position < node.log.last_position:
        return node, ()
    if node.voted_for not in (None, call.sender):
        return node, ()
    owed = NOTHING_OWED
    if node.voted_for is None:
        node = node._replace(voted_for=call.sender)
        owed = (SaveVotedFor(call.sender),)
    reply = RequestVoteReply(node.id, node.current_term, call.seqno, True)
    return node, (*owed, SendMessage(call.sender, reply), SetElectionTimeout())


def receive_request_vote_reply(node: Node, reply: RequestVoteReply) -> Move:
    """§5.2: a candidate that a quorum voted for in its own term leads it."""
    match node.role:
        case Candidate(granted) if reply.vote_granted and reply.term == node.current_term:
            granted = granted | {reply.sender}
            node = node._replace(role=Candidate(granted))
            if has_quorum(node.config, granted):
                return become_leader(node)
    return node, ()


# Log replication, §5.3


def propose_command(node: Node) -> Step:
    """§5.3: a leader appends a command to its log and sends it to the others."""
    match node.role:
        case Leader():
            node, owed = append_as_leader(node, COMMAND)
            return Step(node.log.last_position, owed, node)
    return refused(node, "not_leader", "only a leader accepts proposals")


def append_as_leader(node: Node, payload: Payload) -> Move:
    """§5.3: append to the own log, and tell the peers of the configuration now in force."""
    prev = node.log.last_position
    entries = (Entry(node.current_term, payload),)
    node = node._replace(log=node.log.appended(entries))
    if isinstance(payload, Config):
        node = node._replace(role=followed(node))
    owed = (AppendLogEntries(prev, entries), SetElectionTimeout())
    if not node.peers:
        return node, owed
    node = node._replace(seqno=node.seqno + 1)
    call = AppendEntriesCall(
        node.id, node.current_term, node.seqno, node.commit_index, prev, entries
    )
    return node, (*owed, BroadcastMessage(call))


def heartbeat(node: Node) -> Step:
    match node.role:
        case Leader():
            return moved(True, broadcast_heartbeat(node))
    return refused(node, "not_leader", "only a leader sends heartbeats")


def broadcast_heartbeat(node: Node) -> Move:
    """§5.2: AppendEntries without entries keeps the others from campaigning."""
    if not node.peers:
        return node, (SetElectionTimeout(),)
    node = node._replace(seqno=node.seqno + 1)
    call = AppendEntriesCall(
        node.id, node.current_term, node.seqno, node.commit_index, node.log.last_position, ()
    )
    return node, (BroadcastMessage(call), SetElectionTimeout())


def receive_append_entries_call(node: Node, call: AppendEntriesCall) -> Move | Refused:
    """§5.3: follow the leader of the term (D2), agree with its log, learn what is committed."""
    if call.term < node.current_term:
        return node, (reply_to(node, call),)
    match node.role:
        case Leader():
            return Refused("invariant", "two leaders in one term break Election Safety")
    last_term = call.entries[-1].term if call.entries else call.prev_position.term
    if last_term > call.term:
        return Refused("invariant", "no leader's log is ahead of its term")
    node = node._replace(role=Follower(call.sender))
    accepted = agree_with_leader(node, call)
    if isinstance(accepted, Refused):
        return accepted
    node, owed = accepted
    return node, (*owed, reply_to(node, call), SetElectionTimeout())


def reply_to(node: Node, call: AppendEntriesCall) -> SendMessage:
    reply = AppendEntriesReply(node.id, node.current_term, call.seqno, node.log.last_position)
    return SendMessage(call.sender, reply)


def agree_with_leader(node: Node, call: AppendEntriesCall) -> Move | Refused:
    """Figure 2, AppendEntries receiver 2 to 5; whole terms at a time (§5.3, D6).

    What the own snapshot covers is committed, so the leader has it too, and it is skipped (D5).
    """
    log, prev, entries = node.log, call.prev_position, call.entries
    covered = log.snapshot_position.index - prev.index
    if covered > 0:
        if covered <= len(entries) and entries[covered - 1].term != log.snapshot_position.term:
            return Refused("invariant", "the leader's log contradicts the snapshot")
        prev, entries = log.snapshot_position, entries[covered:]
    if not log.contains(prev):
        return drop_conflict(node, prev)
    agreed = prev.index
    for entry in entries:
        if agreed == log.last_index or log.term(agreed + 1) != entry.term:
            break
        agreed += 1
    missing = entries[agreed - prev.index :]
    if not missing:
        return learn_commit(node, call.commit_index, agreed), ()
    if agreed < node.commit_index:
        return Refused("invariant", "the leader's log contradicts committed entries")
    node = node._replace(log=log.truncated(agreed).appended(missing))
    owed = (AppendLogEntries(log.position(agreed), missing),)
    return learn_commit(node, call.commit_index, agreed + len(missing)), owed


def drop_conflict(node: Node, prev: Position) -> Move | Refused:
    """§5.3: the leader's log has `prev` and this one has not.

    No entry of the leader's before `prev` has a higher term, so entries with one are not the
    leader's; nor is anything from the place on where the two logs show different terms.
    """
    log = node.log
    keep = min(prev.index - 1, log.last_index)
    while keep >= log.snapshot_position.index and log.term(keep) > prev.term:
        keep -= 1
    if keep < node.commit_index:
        return Refused("invariant", "the leader's log contradicts committed entries")
    if keep == log.last_index:
        return node, ()
    node = node._replace(log=log.truncated(keep))
    return node, (AppendLogEntries(log.position(keep), ()),)


def learn_commit(node: Node, leader_commit: Index, verified: Index) -> Node:
    """Figure 2, AppendEntries receiver 5: min(leaderCommit, index of last new entry)."""
    return node._replace(commit_index=max(node.commit_index, min(leader_commit, verified)))


def receive_append_entries_reply(node: Node, reply: AppendEntriesReply) -> Move:
    """§5.3: learn how far the peer's log matches, and send it what it lacks.

    A reply to an earlier call than the latest one replied to is stale.
    """
    role = node.role
    if not isinstance(role, Leader) or reply.term < node.current_term:
        return node, ()
    progress = next((peer for peer in role.peers if peer.node == reply.sender), None)
    if progress is None or reply.seqno <= progress.seqno:
        return node, ()
    progress = progress._replace(seqno=reply.seqno)
    shared = last_shared(node, reply.last_position)
    if shared is None:
        return with_progress(node, progress), (InstallSnapshot(reply.sender),)
    owed = NOTHING_OWED
    behind = reply.last_position != node.log.last_position
    if shared == reply.last_position and progress.match < shared.index:
        node = with_progress(node, progress._replace(match=shared.index))
        node, owed = advance_commit(node)
    else:
        node = with_progress(node, progress)
    if not behind or not isinstance(node.role, Leader):
        return node, owed
    node = node._replace(seqno=node.seqno + 1)
    call = AppendEntriesCall(
        node.id,
        node.current_term,
        node.seqno,
        node.commit_index,
        shared,
        node.log.after(shared.index),
    )
    return node, (*owed, SendMessage(reply.sender, call))


def last_shared(node: Node, theirs: Position) -> Position | None:
    """The last position of the leader's log that a log ending with `theirs` may contain (D6).

    Such a log is no longer than `theirs` and has no higher term.  It is `theirs` itself where the
    leader's log contains that.  None: the leader has compacted it, and needs to send its snapshot.
    """
    log = node.log
    index = min(theirs.index, log.last_index)
    while index >= log.snapshot_position.index and log.term(index) > theirs.term:
        index -= 1
    return log.position(index) if index >= log.snapshot_position.index else None


def with_progress(node: Node, progress: Progress) -> Node:
    assert isinstance(node.role, Leader)
    peers = tuple(progress if peer.node == progress.node else peer for peer in node.role.peers)
    return node._replace(role=Leader(peers, node.role.durable))


# Commitment, §5.3 and §5.4.2


def advance_commit(node: Node) -> Move:
    """§5.4.2: an entry of the leader's own term that a quorum holds is committed, and all before.

    Once the latest configuration is: a joint one is left for the new one, and a leader that the
    new one has no vote for steps down (§6).  Its vote stays given (D3).
    """
    index = quorum_index(node)
    if index <= node.commit_index or node.log.term(index) != node.current_term:
        return node, ()
    node = node._replace(commit_index=index)
    if index < node.log.config_index:
        return node, ()
    if node.config.is_joint:
        return append_as_leader(
            node, Config(node.config.new_voters, frozenset(), node.config.non_voters)
        )
    if node.id not in node.config.voters:
        return node._replace(role=Follower()), (SetElectionTimeout(),)
    return node, ()


def quorum_index(node: Node) -> Index:
    """The largest index that a quorum of the configuration holds.

    The leader counts itself for what is on its disk, and only where it is a voter (§6).
    """
    assert isinstance(node.role, Leader)
    held = [(peer.node, peer.match) for peer in node.role.peers]
    held.append((node.id, node.role.durable))

    def majority_index(voters: frozenset[NodeId]) -> Index:
        indices = sorted((index for member, index in held if member in voters), reverse=True)
        return indices[len(voters) // 2]

    index = majority_index(node.config.voters)
    if node.config.is_joint:
        index = min(index, majority_index(node.config.new_voters))
    return index


def has_quorum(config: Config, nodes: frozenset[NodeId]) -> bool:
    """A majority of the voters, and in a joint configuration of the new voters too (§6)."""

    def majority(voters: frozenset[NodeId]) -> bool:
        return len(nodes & voters) > len(voters) // 2

    return majority(config.voters) and (not config.is_joint or majority(config.new_voters))


def drained(node: Node) -> Move:
    """Every owed action has been executed: all of the log is on the disk now.

    With it a leader's own copy counts, which alone commits where it is the only voter.
    """
    match node.role:
        case Leader(peers, durable) if durable < node.log.last_index:
            return advance_commit(node._replace(role=Leader(peers, node.log.last_index)))
    return node, ()


# Membership, §6


def propose_config(node: Node, config: Config) -> Step:
    """§6: a change of voters goes through a joint configuration, one at a time.

    The configuration is in force as soon as it is in the log.
    """
    if not isinstance(node.role, Leader):
        return refused(node, "not_leader", "only a leader accepts proposals")
    if config.voters != node.config.voters:
        return refused(node, "invalid_config", "voters change through new_voters only")
    if config.electors & config.non_voters:
        return refused(node, "invalid_config", "a node is a voter or a non-voter, not both")
    if node.config.is_joint:
        return refused(node, "invalid_config", "another change is in progress")
    node, owed = append_as_leader(node, config)
    return Step(node.log.last_position, owed, node)


def followed(node: Node) -> Leader:
    """The peers of the configuration in force: known ones as they are, others from nothing."""
    assert isinstance(node.role, Leader)
    known = {peer.node: peer for peer in node.role.peers}
    peers = tuple(known.get(peer, Progress(peer)) for peer in node.peers)
    return Leader(peers, node.role.durable)


# Snapshots, §7


def snapshot_installed(node: Node, position: Position, config: Config) -> Step:
    """§7: a snapshot takes the place of the log's prefix; what it covers is committed (D4).

    A node compacts what it knows to be committed; from a leader it takes what lies beyond.  With
    that a candidacy is over: the votes were given under the configuration that the log had, and
    need not overlap with those that elected the leader, if counted by the snapshot's.
    """
    log = node.log
    if position.index < log.snapshot_position.index:
        return refused(node, "invalid_snapshot", "the node has a later snapshot")
    if position.term > node.current_term:
        return refused(node, "invalid_snapshot", "the snapshot's term lies ahead of the node's")
    if log.contains(position):
        if log.config_at(position.index) != config:
            return refused(node, "invalid_snapshot", "the log has another configuration there")
        if position.index > node.commit_index and isinstance(node.role, Leader):
            return refused(node, "invalid_snapshot", "the leader has not committed this yet")
    elif position.index <= node.commit_index:
        return refused(node, "invalid_snapshot", "the log has another entry committed there")
    elif isinstance(node.role, Leader):
        return refused(node, "invalid_snapshot", "a leader's log has all that is committed")
    elif position.term < log.term(node.commit_index):
        return refused(node, "invalid_snapshot", "terms never fall in a log")
    if isinstance(node.role, Candidate) and not log.contains(position):
        node = node._replace(role=Follower())
    node = node._replace(
        log=log.compacted(position, config),
        commit_index=max(node.commit_index, position.index),
    )
    return Step(True, (), node)


# Messages


def receive(node: Node, message: Message) -> Step:
    """§5.1: a higher term is taken over first; then the message's own rule decides.

    Nothing comes of a message that the node sent itself (D8).
    """
    if message.sender == node.id:
        return Step(None, (), node)
    before, owed = node, NOTHING_OWED
    if message.term > node.current_term:
        node, owed = step_down(node, message.term)
    match message:
        case AppendEntriesCall():
            followed_up = receive_append_entries_call(node, message)
            if isinstance(followed_up, Refused):
                return Step(followed_up, (), before)
            node, more = followed_up
        case AppendEntriesReply():
            node, more = receive_append_entries_reply(node, message)
        case RequestVoteCall():
            node, more = receive_request_vote_call(node, message)
        case RequestVoteReply():
            node, more = receive_request_vote_reply(node, message)
    return Step(None, owed + more, node)


# Questions that change nothing


def commit_status(node: Node, position: Position) -> str:
    """What is known of a proposal: "committed", "rejected", "in_progress" or "unknown".

    "unknown": the position lies in the compacted prefix.  "rejected": another entry was committed
    there, or an entry of a later term before it.
    """
    if position.index < node.log.snapshot_position.index:
        return "unknown"
    if position.index <= node.commit_index:
        return "committed" if node.log.contains(position) else "rejected"
    if position.term < node.log.term(node.commit_index):
        return "rejected"
    return "in_progress"


def could_be_disruptive(node: Node, message: Message) -> bool:
    """§6, last paragraph (D7): a vote asked of a node that knows a leader.

    For a user whose driver knows that the leader is alive, and may then drop the message.
    """
    return (
        isinstance(message, RequestVoteCall)
        and message.term > node.current_term
        and node.leader not in (None, message.sender)
    )
