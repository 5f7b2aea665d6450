"""A cluster of a foreign subject's nodes, which the properties alone judge.

The subject's nodes take the specified one's place: their actions are executed as they come, on the
disks and in the network of `spec.cluster`.  A request is an event and the whole drain after it,
done at once: in memory a node has then what its writes left on the disk, and what it shows.  So a
step `Drain` does nothing, but where a crash falls into it: it then cuts the node's next drain.
"""

from __future__ import annotations

from typing import Final

from conformance.observe.checking import seen_in
from conformance.observe.finding import Finding
from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorder
from conformance.simulation.foreign.lines import AnswerReader, request
from conformance.simulation.foreign.single_steps import broken_by_change
from conformance.simulation.run import Run
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.foreign.process import BadAnswerError, SubjectError
from conformance.subjects.foreign.protocol import Answered
from conformance.trace.vocabulary import MAX_INTEGER
from spec import cluster as c
from spec import steps
from spec import values as v
from spec.pending import NOTHING, Pending
from spec.properties import Violation

OF_FEATURE: Final[dict[str, frozenset[str]]] = {
    "joint_changes": frozenset({"ConfigChangeThroughJoint", "JointIsLeft"}),
    "timers": frozenset({"TimerSetByCause"}),
}
"""The properties that say nothing of a subject without that feature."""

NOT_JUDGED: Final = frozenset({"ReadIndexSafe", "ReplyIsToOwnCall", "RemovedLeaderStepsDown"})
"""What no foreign subject is judged by: it shows no reads and no numbers of calls, and Raft leaves
it to a leader to lead no more.
"""


class LyingError(Exception):
    """What an answer says breaks a property by itself."""

    def __init__(self, finding: Violation) -> None:
        super().__init__(finding.detail)
        self.finding = finding


class ForeignProperties(Run):
    """Steps of a cluster of a subject's nodes, each judged by the properties."""

    def __init__(self, size: int, host: Host | LocalHost, recorder: Recorder | None = None) -> None:
        super().__init__(size)
        self.recorder = recorder
        self._host = host
        self._process = host.begin()
        self._reader = AnswerReader()
        self._lacks = frozenset[str](host.hello.lacks)
        self.ignored = NOT_JUDGED.union(*(OF_FEATURE.get(one, ()) for one in self._lacks))
        self._cut: dict[v.NodeId, int] = {}
        self._failed: Finding | None = None
        members = []
        for node in range(size):
            try:
                members.append(self._come_up(node))
            except (SubjectError, LyingError) as error:
                self._failed = self._finding(error, node, v.Start())
                return
        self.cluster = c.Cluster(tuple(members))

    def _come_up(self, node: v.NodeId) -> c.Member:
        before = c.Member(v.Node(node, seqno=MAX_INTEGER))
        answered = self._ask(node, v.Start())
        self._note(node, v.Start(), answered, None)
        _, disk = _executed(before, v.Start(), answered, None)
        return before._replace(node=_shown(before.node, answered.state, disk.log), disk=disk)

    def take(self, step: c.Step) -> Finding | None:
        if self._failed is not None:
            return self._failed
        match step:
            case c.Drain(node, crash_after):
                if crash_after is not None and "restarts" not in self._lacks:
                    self._cut[node] = crash_after
                return None
            case c.Lose() | c.Duplicate() | c.Crash():
                self.cluster = c.apply(self.cluster, step).after
                return None
            case c.Input(node, event):
                return self._event(self.cluster, node, event)
            case c.Deliver(index, keep):
                envelope = self.cluster.network[index]
                event = c.event_of(envelope.content, keep)
                return self._event(c.without(self.cluster, index), envelope.to, event)
            case c.Comeback(node):
                return self._event(self.cluster, node, c.restart(self.cluster.members[node]))

    def _event(self, cluster: c.Cluster, node: v.NodeId, event: v.Event) -> Finding | None:
        """`cluster`: without what is delivered."""
        before, cut = cluster.members[node], self._cut.pop(node, None)
        self.events += 1
        try:
            answered = self._ask(node, event)
            self._note(node, event, answered, cut)
            executed, disk = _executed(before, event, answered, cut)
            log = disk.log if cut is None else None
            shown = _shown(_after_event(before.node, event, answered), answered.state, log)
        except (SubjectError, LyingError) as error:
            self._failed = self._finding(error, node, event)
            return self._failed
        after = before
        if cut is not None:
            after = c.Member(before.node, NOTHING, disk, up=False)
        elif shown is not before.node or disk is not before.disk or not before.up:
            after = c.Member(shown, NOTHING, disk)
        outcome = _refused(event, answered.outcome)
        actions = answered.actions or ()
        turn = c.Turn(before, after, event, outcome, actions, executed)
        change = self._change(cluster, turn, shown)
        self.cluster = change.after
        for witness in seen_in(turn._replace(owed=None, executed=())):
            self.witnesses[witness] += 1
        return self._judged(change)

    def _ask(self, node: v.NodeId, event: v.Event) -> Answered:
        self._process.ask(request(node, event))
        answered = self._reader.read(self._process.answer(), event)
        for action in answered.actions or ():
            if isinstance(action, (v.BroadcastMessage, v.SendMessage)):
                if action.message.sender != node:
                    sender = action.message.sender
                    raise BadAnswerError(f"sends a message from node {sender}; expected {node}")
        return answered

    def _note(self, node: v.NodeId, event: v.Event, answered: Answered, cut: int | None) -> None:
        if self.recorder is not None:
            self.recorder.input(node, event, answered.outcome, answered.state)
            self.recorder.drained(node, (answered.actions or ())[:cut], answered.state)

    def _finding(self, error: SubjectError | LyingError, node: v.NodeId, event: v.Event) -> Finding:
        if isinstance(error, LyingError):
            return error.finding
        self._host.end()
        return error.finding(node, event)

    def _change(self, cluster: c.Cluster, turn: c.Turn, shown: v.Node) -> c.Change:
        """What comes of the turn: to the disks, the network and the history.

        `shown` is the node as it executes its actions, which a crash may cut short.
        """
        at, after = turn.node, turn.after
        executing = c.Turn(c.Member(shown), c.Member(shown), executed=turn.executed)
        there = len(cluster.members)
        sent = [one for one in c.sent(executing) if one.to < there]
        history = c.remembered(c.remembered(cluster.history, executing), turn._replace(executed=()))
        members = (*cluster.members[:at], after, *cluster.members[at + 1 :])
        return c.Change(self.cluster, c.Cluster(members, (*cluster.network, *sent), history), turn)

    def _judged(self, change: c.Change) -> Finding | None:
        """The first property that is broken, of those that say something of this subject."""
        turn = change.turn
        assert turn is not None
        member, members = self._with_timer(turn), list(change.after.members)
        members[turn.node] = member
        after = change.after._replace(members=tuple(members))
        found = self.broken(c.Change(change.before, after, turn._replace(after=member)))
        if found is None and "joint_changes" in self._lacks:
            return broken_by_change(turn.before.node, turn.after.node)
        return found

    def _with_timer(self, turn: c.Turn) -> c.Member:
        """Whether the timer was set is asked of what is pending: of all that was just executed."""
        owed = turn.owed or ()
        told = v.SetElectionTimeout() in owed
        sends = tuple([one for one in owed if isinstance(one, v.SendMessage)])
        member = turn.after._replace(pending=Pending(set_election_timeout=told, sends=sends))
        if "timers" in self._lacks and steps.timer_set_by_cause(turn._replace(after=member)):
            return member._replace(pending=member.pending._replace(set_election_timeout=not told))
        return member

    def state(self, node: v.NodeId) -> Observed:
        raise NotImplementedError("what is recorded is what was answered")


def _executed(
    before: c.Member, event: v.Event, answered: Answered, cut: int | None
) -> tuple[tuple[c.Executed, ...], c.Disk]:
    """The actions that were executed, and what they left on the disk."""
    if isinstance(event, v.Restart) and answered.outcome is False:
        detail = "does not come up with what it has written itself"
        raise LyingError(Violation("RestartFromDisk", before.node.id, detail))
    disk = c.disk_after(before.disk, event, _refused(event, answered.outcome))
    executed = []
    for action in (answered.actions or ())[:cut]:
        executed.append(c.Executed(action, disk))
        if isinstance(action, v.AppendLogEntries):
            gap = steps.write_continues_log(executed[-1])
            if gap is not None:
                raise LyingError(Violation("WriteContinuesLog", before.node.id, gap))
        if isinstance(action, c.PERSISTING):
            disk = c.persist(disk, action)
    return tuple(executed), disk


def _after_event(node: v.Node, event: v.Event, answered: Answered) -> v.Node:
    """The node, with what is known of it only by what it was told: its limits, a handover."""
    if isinstance(event, v.Restart):
        return v.Node(node.id, seqno=node.seqno, limits=event.limits)
    if isinstance(node.role, v.Leader) and answered.outcome is True:
        match event:
            case v.TransferLeadership(to):
                return node._replace(role=v.Leader(node.role.peers, transfer=to))
            case v.CancelTransfer():
                return node._replace(role=v.Leader(node.role.peers))
    return node


def _shown(node: v.Node, state: Observed, log: v.Log | None) -> v.Node:
    """The node as its state shows it, with the log that is on its disk (None: it is not looked at).

    The same object where nothing has changed.
    """
    if log is not None:
        shown = state.last_position, state.snapshot_position, state.config
        written = log.last_position, log.snapshot_position, log.config
        if shown != written:
            what = ("last position", "snapshot position", "configuration")
            detail = ", ".join(
                f"{name}: shows {one}, its disk has {other}"
                for name, one, other in zip(what, shown, written, strict=True)
                if one != other
            )
            raise LyingError(Violation("DiskAgreesWithMemory", node.id, detail))
        node = node._replace(log=log) if log is not node.log else node
    role = _role(node, state)
    found = node._replace(
        role=role,
        current_term=state.current_term,
        voted_for=state.voted_for,
        commit_index=state.commit_index,
    )
    return node if found[1:] == node[1:] and role is node.role else found


def _role(node: v.Node, state: Observed) -> v.Role:
    role = node.role
    match state.role:
        case "leader":
            if isinstance(role, v.Leader) and tuple([one.node for one in role.peers]) == node.peers:
                return role
            transfer = role.transfer if isinstance(role, v.Leader) else None
            return v.Leader(tuple(map(v.Progress, node.peers)), transfer=transfer)
        case "candidate":
            new = not isinstance(role, v.Candidate) or state.current_term != node.current_term
            return v.Candidate(frozenset({node.id})) if new else role
    leader = state.leader if state.leader_given else None
    return role if role == v.Follower(leader) else v.Follower(leader)


def _refused(event: v.Event, outcome: object) -> v.Outcome:
    if outcome is False:
        return v.Refused("invariant", "by the subject")
    assert outcome is None or outcome is True or isinstance(outcome, v.Position | v.Called)
    return outcome
