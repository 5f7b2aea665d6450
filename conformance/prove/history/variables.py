"""The history variables of the lemmas, computed beside a run of the specified cluster.

What `prove.induction` writes into the history of a symbolic cluster, this writes into that of a
concrete one, after each turn of a server.  Immutable values: a search may have them in its states.

Membership is fixed: servers 0 to size - 1 are voters, one of which creates the cluster.  Snapshots
come from leaders, or from a server's own log.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from conformance.prove.statements.lemma import NOBODY
from spec import values as v
from spec.cluster import Turn
from spec.rules import read_index

Prefix: TypeAlias = tuple[v.Entry, ...]
"""The entries from index 1 on that a snapshot has taken the place of."""


class Leadership(NamedTuple):
    """Who led a term, and the whole log that it had when it last led: `lead`, `tlog`, `tlast`."""

    leader: v.NodeId
    log: tuple[v.Entry, ...]


class Counted(NamedTuple):
    """`commit_term` and `committed_up_to` of an index."""

    term: v.Term
    up_to: v.Index


class Sent(NamedTuple):
    """A snapshot that a leader of `term` handed to the network, up to `position` of its log."""

    sender: v.NodeId
    to: v.NodeId
    term: v.Term
    position: v.Position


class Taken(NamedTuple):
    """A read that a leader took: `read_term`, `read_seqno`, `left`, `read_stale`."""

    term: v.Term
    seqno: v.SeqNo
    left: frozenset[v.NodeId]
    stale: bool


class HistoryVariables(NamedTuple):
    """What has been.  No rule reads it, and it follows from the turns alone.

    leaderships     at each term, who led it
    counted    at each index from 0 on, who counted it first
    told       of each server at each term, for whom it told that it votes
    ack        of each server at each term, how much its disk acknowledged
    memory     of each server, the prefix that the log in memory is the rest of
    disk       of each server, the prefix that the log on its disk is the rest of
    terms      of each server, the term on its disk
    snapshots  all that were ever handed to the network
    taken      a read
    """

    leaderships: tuple[Leadership | None, ...]
    counted: tuple[Counted | None, ...]
    told: tuple[tuple[int, ...], ...]
    ack: tuple[tuple[v.Index, ...], ...]
    memory: tuple[Prefix, ...]
    disk: tuple[Prefix, ...]
    terms: tuple[v.Term, ...]
    snapshots: frozenset[Sent] = frozenset()
    taken: Taken | None = None

    @property
    def size(self) -> int:
        return len(self.told)

    def leadership(self, term: v.Term) -> Leadership | None:
        return self.leaderships[term] if 0 <= term < len(self.leaderships) else None

    def whole(self, node: v.Node) -> tuple[v.Entry, ...]:
        """The log of a server in memory, with what its snapshot covers."""
        return (*self.memory[node.id], *node.log.entries)

    def after(self, turn: Turn) -> HistoryVariables:
        """The history once a server has had its turn."""
        if turn.after is turn.before:
            return self
        variables = self.compacted(turn)
        if isinstance(turn.event, v.Restart):
            return variables  # nothing is told, and the disk is as it was
        if turn.after.node is not turn.before.node:
            variables = variables.ruled(turn).committed(turn)
        if turn.owed is not None:
            variables = variables.voted(turn).handed_over(turn)
        terms = replaced(variables.terms, turn.node, turn.after.disk.current_term)
        variables = variables._replace(terms=terms)
        return variables.acknowledged(turn).reading(turn.after.node)

    def reading(self, node: v.Node) -> HistoryVariables:
        """A leader may take a read after any turn.  It takes one if there are some that have left
        its term, and none is taken yet; one that is stale rather than one that is not.
        """
        read = read_index(node)
        if read is None or (self.taken is not None and self.taken.stale):
            return self
        found = self.with_read(read)
        assert found.taken is not None
        wanted = found.taken.left and (self.taken is None or found.taken.stale)
        return found if wanted else self

    def with_read(self, read: v.ReadIndex) -> HistoryVariables:
        """A leader takes this read."""
        left = frozenset(n for n, term in enumerate(self.terms) if term > read.term)
        stale = len(self.counted) - 1 > read.index
        return self._replace(taken=Taken(read.term, read.seqno, left, stale))

    def compacted(self, turn: Turn) -> HistoryVariables:
        """What the snapshots stand for, in memory and on the disk.

        A log without the entry that a snapshot ends with takes over that of who has it: the
        server's own one in memory, or the leader's that sent the snapshot.
        """
        at, before = turn.node, turn.before
        memory, disk = self.memory[at], self.disk[at]
        match turn.event:
            case v.Restart():
                memory = disk
            case v.SnapshotInstalled(position) if turn.outcome is True:
                kept = covered(memory, before.node.log, position)
                if kept is None:
                    kept = self.handed(at, position)
                memory, disk = kept, covered(disk, before.disk.log, position) or kept
            case _:
                return self
        return self._replace(
            memory=replaced(self.memory, at, memory), disk=replaced(self.disk, at, disk)
        )

    def handed(self, to: v.NodeId, position: v.Position) -> Prefix:
        """What a leader's snapshot stands for: that leader's log."""
        terms = [one.term for one in self.snapshots if (one.to, one.position) == (to, position)]
        if not terms:
            raise ValueError(f"no leader sent node {to} a snapshot up to {position}")
        leadership = self.leadership(max(terms))
        assert leadership is not None
        return leadership.log[: position.index]

    def ruled(self, turn: Turn) -> HistoryVariables:
        """`lead`, `tlog`, `tlast`: a leader's log is that of its term."""
        node = turn.after.node
        if not isinstance(node.role, v.Leader):
            return self
        leadership = Leadership(node.id, self.whole(node))
        return self._replace(leaderships=put(self.leaderships, node.current_term, leadership, None))

    def committed(self, turn: Turn) -> HistoryVariables:
        """What a leader counts: `counting`."""
        before, node = turn.before.node, turn.after.node
        if not isinstance(node.role, v.Leader) or node.commit_index == before.commit_index:
            return self
        return self.counting(node.current_term, node.commit_index)

    def counting(self, term: v.Term, commit: v.Index) -> HistoryVariables:
        """A leader of this term counts so far; no leader of this or a lower one did before."""
        counted = self.counted
        for j in range(1, commit + 1):
            known = counted[j] if j < len(counted) else None
            if known is None or known.term > term:
                counted = put(counted, j, Counted(term, commit), None)
        return self._replace(counted=counted)

    def voted(self, turn: Turn) -> HistoryVariables:
        """`told`: votes that were told, or given to itself by saving them."""
        at, term, told = turn.node, turn.after.node.current_term, self.told
        for done in turn.executed:
            match done.action:
                case v.SaveVotedFor(candidate) if candidate == at:
                    told = replaced(told, at, put(told[at], term, at, NOBODY))
                case v.SendMessage(to, v.RequestVoteReply(vote_granted=True)):
                    told = replaced(told, at, put(told[at], term, to, NOBODY))
        return self._replace(told=told)

    def acknowledged(self, turn: Turn) -> HistoryVariables:
        """`ack`, in the disk's term: the disk's log, if it ends with an entry of that term."""
        if turn.owed is None and turn.after.disk is turn.before.disk:
            return self
        at, disk = turn.node, turn.after.disk
        term, last = disk.current_term, disk.log.last_position
        ends_with_term = last.index >= 1 and term >= 1 and last.term == term
        known = put(self.ack[at], term, last.index if ends_with_term else 0, 0)
        return self._replace(ack=replaced(self.ack, at, known))

    def handed_over(self, turn: Turn) -> HistoryVariables:
        """The snapshots that were sent, with the term in which their sender led."""
        node = turn.before.node
        sent = [
            Sent(turn.node, done.action.to, node.current_term, node.log.snapshot_position)
            for done in turn.executed
            if isinstance(done.action, v.InstallSnapshot)
        ]
        return self._replace(snapshots=self.snapshots.union(sent)) if sent else self


def initial(size: int) -> HistoryVariables:
    """The history of servers that have just been started for the first time."""
    nothing: tuple[tuple[Any, ...], ...] = ((),) * size
    return HistoryVariables((), (), nothing, nothing, nothing, nothing, (0,) * size)


def covered(prefix: Prefix, log: v.Log, position: v.Position) -> Prefix | None:
    """What a log has up to a position; None if it does not have that entry."""
    if not log.contains(position):
        return None
    return (*prefix, *log.entries)[: position.index]


def replaced(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    if values[at] is value:
        return values
    return (*values[:at], value, *values[at + 1 :])


def put(values: tuple[Any, ...], at: int, value: Any, usual: Any) -> tuple[Any, ...]:
    """The values with one of them set; after the last that is not as usual there are none."""
    if at < len(values):
        values = replaced(values, at, value)
    elif value != usual:
        return (*values, *[usual] * (at - len(values)), value)
    while values and values[-1] == usual:
        values = values[:-1]
    return values
