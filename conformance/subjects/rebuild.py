"""One node of the library in any state of the specification, ready to take a step from there.

Lockstep compares what can be seen from outside: what is hidden differs unnoticed until a later
event shows it.  A search through states goes one step from each of them, and cannot wait for that;
nor has it a history to replay.  So a library node is set, slot by slot, to what a specified node
and its pending actions are, takes one event, and is read back in full.

Nothing of the rules under test runs while a node is built, only the types of values: positions,
configurations, entries and messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from conformance.observe.finding import Difference, Part, first_difference
from conformance.subjects.asking.questions import Asked
from conformance.subjects.patched import PURE
from conformance.subjects.readback import (
    InconsistentError,
    LibraryNode,
    Reader,
    State,
    UnreadableError,
    unknown,
)
from conformance.subjects.sorting import SortedOnUse
from spec import values as v
from spec.cluster import Turn, drain
from spec.pending import NOTHING, Pending


class UnbuildableError(ValueError):
    """A specified state that the library cannot be in."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What an event did to a library node; `live` is that node, with its actions yet to take."""

    outcome: v.Outcome
    state: State
    live: LibraryNode = field(compare=False, repr=False)


class _Subject(Reader):
    """Remembers the message or the entries that it handed to a node last.

    They stay the caller's: a node that keeps one, or a part of one, is found out by `read`.
    """

    last_argument: Any = None

    def message_from_spec(self, message: v.Message) -> Any:
        self.last_argument = super().message_from_spec(message)
        return self.last_argument

    def log_from_spec(self, log: v.Log) -> Any:
        translated = super().log_from_spec(log)
        self.last_argument = translated.entries
        return translated


class Rebuilder:
    """`library` is the package raftbare, or a copy of it under another name.

    State that a copy keeps outside of its nodes, in a module or a class, is not seen.
    `reraise`: exceptions that are not the library's, and end a comparison.
    """

    def __init__(
        self, library: ModuleType = PURE, reraise: tuple[type[Exception], ...] = ()
    ) -> None:
        """Raises `UnreadableError` where the library keeps more than is set and read here."""
        others = unknown(library)
        if others:
            raise UnreadableError("; ".join(map(str, others)))
        self.library: Any = library
        self.reraise = reraise
        self._subject = _Subject(library)
        self.read = self._subject.read

    # From the specification

    def build(self, node: v.Node, pending: Pending) -> LibraryNode:
        """A library node in this state, which shares nothing with any other.

        Raises `UnbuildableError` where the library has no such state.
        """
        built = _blank(self.library.Node)
        built._id = node.id
        built._current_term = node.current_term
        built._voted_for = node.voted_for
        built._commit_index = node.commit_index
        built._seqno = node.seqno
        built._counters = self.library.Counters()
        built._limits = self._subject.limits_from_spec(node.limits)
        built._log = self._subject.log_from_spec(node.log)
        _check_terms(node.log.snapshot_position, node.log.entries)
        built._role = self._build_role(node)
        built._pending = self._build_pending(pending, node.log)
        built.actions = _blank(self.library.Actions)
        built.actions._node = built
        return built

    def _build_role(self, node: v.Node) -> Any:
        kinds = self.library.role
        match node.role:
            case v.Follower(leader):
                role = _blank(kinds.Follower)
                role.leader = leader
            case v.Candidate(granted, transfer):
                role = _blank(kinds.Candidate)
                role.granted_votes, role.transfer = set(granted), transfer
            case v.Leader(peers, durable, target):
                if tuple([peer.node for peer in peers]) != node.peers:
                    raise UnbuildableError(f"a leader of {node.peers} that follows {peers}")
                role = _blank(kinds.Leader)
                role.own = self._build_progress(v.Progress(node.id, durable))
                role.followers = {peer.node: self._build_progress(peer) for peer in peers}
                role.quorum = quorum = _blank(self.library.quorum.Quorum)
                role.peers, role.transfer = node.peers, target
                held = {peer.node: peer.match for peer in peers} | {node.id: durable}
                quorum._voters, quorum._new_voters = node.config.voters, node.config.new_voters
                quorum._held = SortedOnUse([held[voter] for voter in quorum._voters])
                quorum._new_held = SortedOnUse([held[voter] for voter in quorum._new_voters])
        return role

    def _build_progress(self, peer: v.Progress) -> Any:
        progress = _blank(self.library.quorum.Progress)
        progress.match_index, progress.next_index = peer.match, peer.next
        progress.probe, progress.asked, progress.probing = peer.probe, peer.asked, peer.probing
        progress.answered = peer.answered
        return progress

    def _build_pending(self, pending: Pending, log: v.Log) -> Any:
        """The library keeps of a write only where it begins: it ends where the log does."""
        built = _blank(self.library.pending.Pending)
        built.set_election_timeout = pending.set_election_timeout
        built.save_current_term = pending.save_current_term
        built.save_voted_for = pending.save_voted_for
        built.broadcast = pending.broadcast
        built.calls = set(pending.calls)
        built.append_after = None
        if pending.append is not None:
            prev, entries = pending.append.prev_position, pending.append.entries
            if not log.contains(prev) or log.after(prev.index) != entries:
                raise UnbuildableError(f"a write that is not the end of the log: {pending.append}")
            built.append_after = self.library.LogPosition(prev.term, prev.index)
        translate = self._subject.message_from_spec
        built.sends = {send.to: translate(send.message) for send in pending.sends}
        return built

    # One step

    def transition(self, node: v.Node, pending: Pending, event: v.Event) -> Transition:
        """The library node in this state is handed an event.

        Where a restart is refused, the node is one that was just started.  What the library raises
        that is no `RaftError` comes through.
        """
        subject = self._subject
        if not isinstance(event, (v.Start, v.Restart)):
            subject.nodes[node.id] = self.build(node, pending)
        outcome = subject.handle(node.id, event)
        live = subject.nodes[node.id]
        argument = subject.last_argument
        borrowed = (argument,) if isinstance(event, (v.Receive, v.Restart)) else ()
        state = self.read(live, *borrowed)
        if isinstance(event, v.Receive) and subject.message_to_spec(argument) != event.message:
            raise InconsistentError("the node has changed the message that it was handed")
        return Transition(outcome, state, live)

    def drain(self, live: LibraryNode) -> tuple[tuple[v.Action, ...], State]:
        """Take all of a library node's actions, as executed one after another."""
        taken: list[v.Action] = []
        borrowed: list[Any] = []
        for action in live.actions:
            taken.append(self._subject.action_to_spec(live, action))
            if isinstance(action, self.library.AppendLogEntries):
                borrowed.append(action.entries)
            elif isinstance(action, (self.library.BroadcastMessage, self.library.SendMessage)):
                borrowed.append(action.message)
        return tuple(taken), self.read(live, *borrowed)

    def answer(self, node: v.Node, pending: Pending, asked: Asked) -> object:
        """What the library node in this state answers.

        Raises `InconsistentError` where that has changed it.
        """
        subject = self._subject
        subject.nodes[node.id] = live = self.build(node, pending)
        answer = subject.answer(node.id, asked)
        if self.read(live) != (node, pending):
            raise InconsistentError(f"{asked.question.name} has changed the node")
        return answer

    def difference(self, turn: Turn) -> Difference | None:
        """What the library does otherwise in a server's turn, be it a drain, or an event and the
        drain that would follow it.  Whatever it raises is a difference, but a refusal of both.
        """
        return first_difference(turn.node, turn.event, self._turn_of_both(turn), self.reraise)

    def _turn_of_both(self, turn: Turn) -> Iterator[Part]:
        before, after, event = turn.before, turn.after, turn.event
        if event is not None:
            step = self.transition(before.node, before.pending, event)
            yield "outcome", turn.outcome, step.outcome
            if isinstance(event, v.Restart) and isinstance(turn.outcome, v.Refused):
                return
            yield "state", after[:2], step.state
            live, (owed, drained) = step.live, drain(after)
        elif turn.owed is not None:
            live, (owed, drained) = self.build(before.node, before.pending), drain(before)
        else:
            return
        actions, state = self.drain(live)
        del live.actions  # it speaks of the node: both would wait for the cycle collector
        yield "actions", owed, actions
        yield "drained", (drained, NOTHING), state


def _blank(kind: Any) -> Any:
    """An object whose slots are all to be set: no constructor of the library's has run."""
    return kind.__new__(kind)


def _check_terms(prev: v.Position, entries: v.Entries) -> None:
    """To the library only a leader's first entry changes the term."""
    term = prev.term
    for entry in entries:
        if entry.term != term and entry.payload != v.TERM:
            raise UnbuildableError(f"{entry} begins a term after {prev}")
        term = entry.term
