"""What nodes sent one another, and whom they voted for, as both ends tell it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.partial.log import Run
from conformance.trace.moments import Capabilities, SeenMessage
from spec.values import NodeId, Term

SENT: Final = "EveryMessageWasSent"
ONCE: Final = "VoteOncePerTerm"

NOT_NOTED: Final = "messages of its kind are not noted where they are sent"
NOT_RECORDED: Final = "its sender is not recorded"
BEFORE: Final = "it may have been sent before its sender's recording begins"
AFTER: Final = "it may have been sent after its sender's recording ends"


@dataclass(slots=True)
class Covered:
    """What is noted of what a node sends and receives."""

    capabilities: Capabilities
    since: Term | None = 0
    """What stands in a later term is all there; None: the node's term is not known yet."""
    until: Term = 0
    """The last term that was shown."""

    def may_lack(self, term: Term) -> bool:
        """Whether some of a term may stand before the node's recording begins."""
        return self.since is None or 0 < self.since >= term


@dataclass(slots=True)
class _Waiting:
    """A receipt without a send: the first time, and how often."""

    node: NodeId
    seq: int
    message: SeenMessage
    times: int = 1


@dataclass(slots=True)
class Mail:
    """Messages are told by their contents; one that was sent may arrive any number of times."""

    findings: Findings
    files: set[str] = field(default_factory=set)
    """Where the moments come from: those of one file lack nothing at the end of another."""
    take_turns: bool = False
    """Whether a node is told of again after another one: a file of one node after another may be
    put together of several, whose ends differ.
    """
    covered: dict[NodeId, Covered] = field(default_factory=dict)
    _sent: dict[int, list[Run] | None] = field(default_factory=dict)
    """Each message, and the terms of its entries where the sender's log tells them."""
    _waiting: dict[int, _Waiting] = field(default_factory=dict)

    def sent(self, message: SeenMessage, entries: list[Run] | None) -> None:
        key = _key(message, message.index)
        if self._sent.setdefault(key, entries) != entries:
            self._sent[key] = None

    def received(self, seq: int, message: SeenMessage) -> None:
        if message.from_ == message.to:
            return
        key = _key(message, message.index)
        if key not in self._sent and _key(message, None) not in self._sent:
            waiting = self._waiting.setdefault(key, _Waiting(message.to, seq, message, 0))
            waiting.times += 1
        else:
            self.findings.checked[SENT] += 1

    def entries(self, message: SeenMessage) -> list[Run]:
        """What a call carries: as its sender's log had it, or as far as it tells itself."""
        count, first, last = message.entries or 0, message.log_term, message.entries_term
        known = self._sent.get(_key(message, message.index))
        if known is not None and sum(run.length for run in known) == count:
            return known
        if first is not None and first == (message.term if last is None else last):
            return [Run(count, first)]  # terms do not fall along a log, nor exceed the leader's
        return [Run(count - 1, None), Run(1, last)] if count else []

    def finish(self) -> None:
        for key, one in self._waiting.items():
            message = one.message
            if key in self._sent or _key(message, None) in self._sent:
                self.findings.checked[SENT] += one.times
                continue
            reason = self._why_open(message)
            if reason is not None:
                self.findings.leave(SENT, reason, one.times)
                continue
            self.findings.checked[SENT] += one.times
            what = message.type.replace("_", " ")
            detail = (
                f"a {what} of term {message.term} is not among what node {message.from_} sent to "
                f"node {one.node}"
            )
            self.findings.report(SENT, one.node, one.seq, detail, message.from_, one.times)

    def _why_open(self, message: SeenMessage) -> str | None:
        sender = self.covered.get(message.from_)
        if sender is None:
            return NOT_RECORDED
        if message.type not in sender.capabilities.sends:
            return NOT_NOTED
        if message.type.endswith("_reply") and sender.capabilities.order == "states":
            if not message.granted:
                return NOT_NOTED  # such a caller may make up a refusal for who does not answer
        if sender.may_lack(message.term):
            return BEFORE
        whole = sender.capabilities.complete and len(self.files) == 1 and self.take_turns
        return AFTER if not whole and message.term >= sender.until else None


def _key(message: SeenMessage, index: int | None) -> int:
    """A hash of what tells one message from another; `index` None for one whose sender does not
    note it.
    """
    ends = message.type, message.from_, message.to, message.term, message.granted
    entries = message.log_term, message.entries, message.entries_term, message.commit_index
    return hash((ends, entries, index))


Vote: TypeAlias = tuple[NodeId, int, str]
"""What shows a vote: the node and the seq of the moment, and how."""


@dataclass(slots=True)
class Ballots:
    """Whom each node voted for in each term, by whatever shows it, and where."""

    findings: Findings
    _votes: defaultdict[tuple[Term, NodeId], dict[int | None, dict[NodeId, Vote]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By the number of the life in which the voter itself shows it; None for what arrived."""

    def note(
        self, term: Term, voter: NodeId, candidate: NodeId, life: int | None, vote: Vote
    ) -> None:
        self._votes[term, voter].setdefault(life, {}).setdefault(candidate, vote)

    def finish(self) -> None:
        """§5.2: at most one vote in a term.

        What a node shows it may forget, if it comes up again before that was durable; what arrived
        elsewhere was, so it binds the latest life in which the node voted in the term.
        """
        for (term, voter), lives in sorted(self._votes.items(), key=lambda found: found[0]):
            self.findings.checked[ONCE] += 1
            arrived = lives.get(None, {})
            latest = max((life for life in lives if life is not None), default=None)
            for life, shown in lives.items():
                votes = arrived | shown if life == latest else shown
                if len(votes) > 1:
                    self._report(term, voter, votes)
                    break

    def _report(self, term: Term, voter: NodeId, votes: dict[NodeId, Vote]) -> None:
        said = "; ".join(
            f"{candidate} ({how}, at node {at}, seq {seq})"
            for candidate, (at, seq, how) in votes.items()
        )
        at, seq, _ = max(votes.values(), key=lambda shown: (shown[0] == voter, shown[1]))
        detail = f"node {voter} votes in term {term} for {said}"
        self.findings.report(ONCE, at, seq, detail, (term, voter))
