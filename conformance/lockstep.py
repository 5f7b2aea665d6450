"""Lockstep: identical events to the specified cluster and to a subject, compared after each one.

The specified cluster executes the actions, on its disks and in its network; the subject is asked
the same questions and has to give the same answers.  Along the way every property is checked on
the cluster, and every witness counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from conformance.record import Recorded
from conformance.subject import Subject, observed
from conformance.trace.translate import Observed
from spec import node as rules
from spec.cluster import (
    Change,
    Cluster,
    Deliver,
    Duplicate,
    Envelope,
    Input,
    Lose,
    Rule,
    Step,
    Turn,
    apply,
    is_enabled,
    new_cluster,
)
from spec.properties import Violation, check_change
from spec.values import (
    Action,
    AppendEntriesCall,
    Event,
    Leader,
    Message,
    NodeId,
    Outcome,
    Receive,
    Refused,
    SnapshotInstalled,
    Start,
)
from spec.witnesses import seen_in


@dataclass(frozen=True, slots=True)
class Difference:
    """The specification and the subject disagree about one event of one node."""

    node: NodeId
    event: Event | None
    """None: they disagree at the drain after the node's latest event."""
    what: str
    """What differs; "failure" where the subject raised what no node may raise."""
    specified: object
    found: object


Finding: TypeAlias = Difference | Violation

T = TypeVar("T")


def name_of(finding: Finding) -> str:
    """What a finding is about; shrinking keeps it."""
    if isinstance(finding, Difference):
        return "Failure" if finding.what == "failure" else "Difference"
    return finding.property


class Recorder:
    """Notes, in the order of the events, what a subject made of them."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []
        self._latest: dict[NodeId, Recorded] = {}

    def input(self, node: NodeId, event: Event, outcome: Outcome, state: Observed) -> None:
        latest = self._latest.get(node)
        record = Recorded(node, latest.seq + 1 if latest else 1, event, outcome, None, state)
        self._latest[node] = record
        self.records.append(record)

    def drained(self, node: NodeId, actions: tuple[Action, ...], state: Observed) -> None:
        record = self._latest[node]
        record.actions = (record.actions or ()) + actions
        record.state = state


class SubjectError(Exception):
    """A subject raised what no node may raise."""

    def __init__(self, node: NodeId, event: Event | None, error: Exception) -> None:
        self.finding = Difference(node, event, "failure", None, f"{type(error).__name__}: {error}")
        super().__init__(self.finding.found)


def ask(question: Callable[..., T], node: NodeId, *event: Event) -> T:
    """Ask a subject; whatever goes wrong with that is the subject's, and a finding."""
    try:
        return question(node, *event)
    except Exception as error:
        raise SubjectError(node, event[0] if event else None, error) from error


class Lockstep:
    """A specified cluster and a subject that follows it, step by step.

    Without a subject only the properties are checked.  `rule` is the specification of a node, or
    a variant of it.
    """

    def __init__(
        self,
        size: int,
        subject: Subject | None,
        rule: Rule = rules.step,
        recorder: Recorder | None = None,
    ) -> None:
        self.cluster: Cluster = new_cluster(size)
        self.subject = subject
        self.rule = rule
        self.recorder = recorder
        self.events = 0
        self.witnesses: Counter[str] = Counter()
        for node in range(size):
            if subject is not None:
                subject.handle(node, Start())
            if recorder is not None:
                recorder.input(node, Start(), None, self._state(node))
                recorder.drained(node, (), self._state(node))

    def take(self, step: Step) -> Finding | None:
        """One enabled step, on both sides; the first thing that is wrong with it."""
        try:
            change = self.change(step)
            self.cluster = change.after
            turn = change.turn
            if turn is None:
                return None
            for witness in seen_in(turn):
                self.witnesses[witness] += 1
            finding: Finding | None = None
            if turn.event is not None:
                self.events += 1
                finding = self._compare_event(turn.event, turn)
            elif turn.owed is not None:
                finding = self._compare_drain(turn.owed, turn)
        except SubjectError as error:
            return error.finding
        return finding or check_change(change)

    def change(self, step: Step) -> Change:
        """What the step does to the cluster."""
        return apply(self.cluster, step, self.rule)

    def compare_logs(self) -> Finding | None:
        """The logs in full, which the comparison of every event leaves out."""
        if self.subject is None:
            return None
        for node, member in enumerate(self.cluster.members):
            if not member.up:
                continue
            try:
                found = ask(self.subject.log, node)
            except SubjectError as error:
                return error.finding
            if found != member.node.log:
                return Difference(node, None, "log", member.node.log, found)
        return None

    def _state(self, node: NodeId) -> Observed:
        if self.subject is not None:
            return ask(self.subject.observe, node)
        return observed(self.cluster.members[node].node)

    def _compare_event(self, event: Event, turn: Turn) -> Finding | None:
        node, outcome = turn.node, turn.outcome
        if self.subject is not None:
            outcome = ask(self.subject.handle, node, event)
        if self.recorder is not None:
            self.recorder.input(node, event, outcome, self._state(node))
        if outcome != turn.outcome:
            return Difference(node, event, "outcome", turn.outcome, outcome)
        return self._compare_state(node, event)

    def _compare_drain(self, specified: tuple[Action, ...], turn: Turn) -> Finding | None:
        node, owed = turn.node, specified
        if self.subject is not None:
            owed = ask(self.subject.drain, node)
        if self.recorder is not None:
            executed = owed[: len(turn.executed)]
            self.recorder.drained(node, executed, self._state(node))
        if owed != specified:
            return Difference(node, None, "actions", specified, owed)
        unchanged = turn.after.node is turn.before.node
        return None if unchanged or not turn.after.up else self._compare_state(node, None)

    def _compare_state(self, node: NodeId, event: Event | None) -> Finding | None:
        if self.subject is None:
            return None
        specified = observed(self.cluster.members[node].node)
        found = self._state(node)
        if specified != found:
            return Difference(node, event, "state", specified, found)
        return None


# A schedule that survives the removal of some of its steps names a content of the network not by
# its place but by what it is.


@dataclass(frozen=True, slots=True)
class Pick:
    """The `nth` content of this kind on its way from `sender` to `to`, and what happens to it."""

    then: type[Deliver] | type[Lose] | type[Duplicate]
    to: NodeId
    sender: NodeId
    kind: str
    nth: int
    keep: int | None = None


Choice: TypeAlias = Step | Pick


def _kind(envelope: Envelope) -> tuple[NodeId, NodeId, str]:
    """Terms are left out: they shift when an election is."""
    return envelope.to, envelope.content.sender, type(envelope.content).__name__


def choice_of(cluster: Cluster, step: Step) -> Choice:
    """The step, named so that it can be found again in a similar state."""
    if not isinstance(step, (Deliver, Lose, Duplicate)):
        return step
    kind = _kind(cluster.network[step.index])
    nth = sum(_kind(envelope) == kind for envelope in cluster.network[: step.index])
    keep = step.keep if isinstance(step, Deliver) else None
    return Pick(type(step), *kind, nth, keep)


def step_of(cluster: Cluster, choice: Choice) -> Step | None:
    """The step that a choice is in this state; None where it is not enabled."""
    step: Step | None
    if isinstance(choice, Pick):
        wanted = (choice.to, choice.sender, choice.kind)
        places = [at for at, envelope in enumerate(cluster.network) if _kind(envelope) == wanted]
        if choice.nth >= len(places):
            return None
        at = places[choice.nth]
        step = Deliver(at, choice.keep) if choice.then is Deliver else choice.then(at)
    else:
        step = choice
    return step if is_enabled(cluster, step) and _is_legal(cluster, step) else None


def _is_true(cluster: Cluster, message: Message) -> bool:
    """Whether a call says nothing but what its sender, a leader in its term, knows."""
    if not isinstance(message, AppendEntriesCall):
        return False
    sender = cluster.members[message.sender]
    log, first = sender.node.log, message.prev_position.index
    return (
        sender.up
        and isinstance(sender.node.role, Leader)
        and sender.node.current_term == message.term
        and sender.node.commit_index >= message.commit_index
        and log.contains(message.prev_position)
        and log.after(first)[: len(message.entries)] == message.entries
    )


def _is_legal(cluster: Cluster, step: Step) -> bool:
    """Whether the user may do this, now that other steps before it are gone.

    A snapshot holds what is committed, in a term that is on the disk; a message that nobody sent
    has to be one that its leader might send, or that no node may accept.
    """
    match step:
        case Input(node, SnapshotInstalled(position)):
            member = cluster.members[node]
            return (
                position.index <= member.node.commit_index and not member.pending.save_current_term
            )
        case Input(node, Receive(message) as event):
            return _is_true(cluster, message) or isinstance(
                rules.step(cluster.members[node].node, event).outcome, Refused
            )
    return True


def run(lockstep: Lockstep, choices: Iterable[Choice]) -> tuple[Finding | None, list[Choice]]:
    """Take what is enabled of the choices, up to the first finding; also what was taken."""
    taken: list[Choice] = []
    for choice in choices:
        step = step_of(lockstep.cluster, choice)
        if step is None:
            continue
        taken.append(choice)
        finding = lockstep.take(step)
        if finding is not None:
            return finding, taken
    return lockstep.compare_logs(), taken
