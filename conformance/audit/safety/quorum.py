"""What leadership and commitment rest on, as far as one node's recording shows it.

A leader needs the votes of a quorum (§5.2), and acknowledgements of one for what it commits
(§5.3); a follower commits what a leader told it (Figure 2).  Evidence is what the node received,
and what it has persisted itself.  What is missing is a violation only if the recording would show
it: whether it does is known at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from conformance.audit.safety.findings import Findings
from spec import values as v
from spec.quorums import is_quorum

ELECTED: Final = "ElectedByQuorum"
COMMITTED: Final = "CommittedOnQuorum"
CONFIRMED: Final = "ConfirmedByQuorum"

NO_CONFIG: Final = "no configuration is shown"
NO_RECEIPTS: Final = "no message is recorded that the node received"
SOME_RECEIPTS: Final = "the state changes at refused events: not all that happened is recorded"
NO_ACTIONS: Final = "no action is recorded, so what is durable is not known"
MAYBE_CUT: Final = "a crash may have cut the last drain short"
UNKNOWN_ACK: Final = "an acknowledgement names a position that the leader's log may not have"
BEFORE: Final = "it was committed before the recording begins"


class _Needs(Enum):
    """What a recording must have, to show that evidence is missing."""

    NOTHING = auto()
    ACTIONS = auto()
    """All that is missing is the node's own vote or copy, on its disk."""
    RECEIPTS = auto()
    NO_LOSS = auto()
    """What came before is all there; or receipts, as it may be in a record that is lost."""


@dataclass(slots=True)
class _Missing:
    """Evidence that was not found: the first time, and how often."""

    seq: int
    detail: str
    times: int = 1


class Backing:
    """The votes, acknowledgements and leaders' words that a node has received in its life."""

    def __init__(self, node: v.NodeId, findings: Findings) -> None:
        self.has_received = False
        self.has_drained = False
        """Whether the recording has any actions of the node."""
        self.has_stand_ins = False
        """Whether events stand for others, which are not recorded."""
        self._node = node
        self._findings = findings
        self._term: v.Term = 0
        """That of the votes and the acknowledgements."""
        self._votes: set[v.NodeId] = set()
        self._acks: dict[v.NodeId, v.Index] = {}
        self._unsure: dict[v.NodeId, v.Index] = {}
        """Acknowledgements of what the leader's log is not known to have."""
        self._answers: dict[v.NodeId, v.SeqNo] = {}
        """The largest number of a call of the term that each has answered."""
        self._told: v.Index = 0
        """Up to where the node may take entries for committed without counting."""
        self._missing: dict[tuple[str, _Needs], _Missing] = {}
        self.in_drain = False
        """Whether the latest record has actions, of which a crash may have cut off the last."""
        self._maybe_cut: list[tuple[str, int, str]] = []
        """What the latest record's actions do not show to be on the disk."""

    # Evidence

    def come_up(self) -> None:
        """Votes and acknowledgements were in memory; what is committed stays committed."""
        self._cut_off()
        self.in_drain = False
        self._enter(0)

    def resume(self, node: v.Node) -> None:
        """Go on from all of a node's state."""
        self._enter(node.current_term)
        self.has_drained = True
        self.learn(node.commit_index)
        match node.role:
            case v.Candidate(granted):
                self._votes.update(granted - {node.id})
            case v.Leader(peers):
                self._acks.update((peer.node, peer.match) for peer in peers)
                self._answers.update((peer.node, peer.answered) for peer in peers)

    def learn(self, index: v.Index) -> None:
        """A leader or a snapshot tells that what the node has up to this index is committed."""
        if index > self._told:
            self._told = index

    def begin(self, commit: v.Index, base: v.Index, seq: int) -> None:
        """The recording begins with this commit index."""
        if commit > base:
            self._findings.leave(COMMITTED, BEFORE)
        self.learn(commit)

    def vote(self, term: v.Term, voter: v.NodeId) -> None:
        if term >= self._term:
            self._enter(term)
            self._votes.add(voter)

    def acknowledge(self, reply: v.AppendEntriesReply, has: bool | None) -> None:
        """`has`: whether the log of the leader of this term has the position; None: not known.

        Who accepts a call may tell of more than the leader has, and has what the leader sent.
        """
        self._enter(reply.term)
        self._answers[reply.sender] = max(self._answers.get(reply.sender, 0), reply.seqno)
        index = reply.last_position.index
        if has:
            self._acks[reply.sender] = max(self._acks.get(reply.sender, 0), index)
        elif has is None or reply.accepted:
            self._unsure[reply.sender] = max(self._unsure.get(reply.sender, 0), index)

    def _enter(self, term: v.Term) -> None:
        if term != self._term:
            self._term = term
            self._votes.clear()
            self._acks.clear()
            self._answers.clear()
            self._unsure.clear()

    # Judgement

    def elected(
        self,
        term: v.Term,
        configs: Iterable[v.Config],
        has_own_vote: bool,
        at_once: bool,
        seq: int,
    ) -> None:
        """The node leads a term from now on, by the votes of one of these configurations.

        `at_once`: by the event that began its campaign, which no vote can have preceded.
        """
        configs = _shown(configs)
        if not configs:
            self._findings.leave(ELECTED, NO_CONFIG)
            return
        votes = self._votes if term == self._term else set()
        own = {self._node}
        if any(is_quorum(config, votes | own if has_own_vote else votes) for config in configs):
            self._findings.checked[ELECTED] += 1
            return
        detail = f"leads term {term} with the votes of {_those(votes)}, of {configs[0]}"
        if not has_own_vote:
            detail += "; its own is not on its disk"
        if any(is_quorum(config, votes | own) for config in configs):
            needs = _Needs.ACTIONS
        else:
            needs = _Needs.NOTHING if at_once else _Needs.RECEIPTS
        self._miss(ELECTED, needs, seq, detail)

    def committed(
        self,
        term: v.Term,
        index: v.Index,
        configs: Iterable[v.Config],
        has_own_copy: bool,
        seq: int,
    ) -> None:
        """The leader of a term commits up to an index, under one of these configurations."""
        configs = _shown(configs)
        if not configs:
            self._findings.leave(COMMITTED, NO_CONFIG)
            return
        in_term = term == self._term
        acks = {node for node, upto in self._acks.items() if upto >= index and in_term}
        unsure = {node for node, upto in self._unsure.items() if upto >= index and in_term}
        own = {self._node}
        held = acks | own if has_own_copy else acks
        if any(is_quorum(config, held) for config in configs):
            self._findings.checked[COMMITTED] += 1
        elif any(is_quorum(config, held | unsure) for config in configs):
            self._findings.leave(COMMITTED, UNKNOWN_ACK)
        else:
            detail = (
                f"commits index {index} in term {term}, which {_those(acks)} acknowledged, "
                f"of {configs[0]}"
            )
            if not has_own_copy:
                detail += "; it is not on the leader's own disk"
            in_memory = any(is_quorum(config, held | unsure | own) for config in configs)
            self._miss(COMMITTED, _Needs.ACTIONS if in_memory else _Needs.RECEIPTS, seq, detail)

    def confirmed(self, term: v.Term, number: v.SeqNo, config: v.Config, seq: int) -> None:
        """§8; dissertation, §6.4: so many calls of its term a leader says a quorum has answered.

        It counts itself for any call.
        """
        answers = self._answers.items() if term == self._term else ()
        answered = {node for node, upto in answers if upto >= number}
        if is_quorum(config, answered | {self._node}):
            self._findings.checked[CONFIRMED] += 1
            return
        detail = f"call {number} of term {term} was answered by {_those(answered)}, of {config}"
        self._miss(CONFIRMED, _Needs.RECEIPTS, seq, detail)

    def followed(self, commit: v.Index, came_up: bool, seq: int) -> None:
        """A node that does not lead takes entries for committed up to an index.

        `came_up`: by coming up, with which no message arrives.
        """
        if commit <= self._told:
            self._findings.checked[COMMITTED] += 1
            return
        detail = f"commits index {commit}, and was told of {self._told} at the most"
        self._miss(COMMITTED, _Needs.NO_LOSS if came_up else _Needs.RECEIPTS, seq, detail)
        self._told = commit

    def not_received(self, name: str, seq: int, detail: str) -> None:
        """What is shown of the log came with no message that the node is known to have received."""
        self._miss(name, _Needs.RECEIPTS, seq, detail)

    def finish(self, complete: bool) -> None:
        """Report what is missing, unless the recording would not show it."""
        self._cut_off()
        for (name, needs), missing in self._missing.items():
            reason = None if complete and needs is _Needs.NO_LOSS else self._why_open(needs)
            if reason is not None:
                self._findings.leave(name, reason, missing.times)
                continue
            self._findings.checked[name] += missing.times
            self._findings.report(
                name, self._node, missing.seq, missing.detail, times=missing.times
            )

    def _why_open(self, needs: _Needs) -> str | None:
        if needs is _Needs.ACTIONS:
            return None if self.has_drained else NO_ACTIONS
        if needs in (_Needs.RECEIPTS, _Needs.NO_LOSS):
            if not self.has_received:
                return NO_RECEIPTS
            return SOME_RECEIPTS if self.has_stand_ins else None
        return None

    def settle(self) -> None:
        """The node goes on, so no crash cut its latest drain short."""
        self.in_drain = False
        if self._maybe_cut:
            pending, self._maybe_cut = self._maybe_cut, []
            for name, seq, detail in pending:
                self._miss(name, _Needs.ACTIONS, seq, detail)

    def _cut_off(self) -> None:
        for name, _, _ in self._maybe_cut:
            self._findings.leave(name, MAYBE_CUT)
        self._maybe_cut.clear()

    def _miss(self, name: str, needs: _Needs, seq: int, detail: str) -> None:
        if needs is _Needs.ACTIONS and self.in_drain:
            self._maybe_cut.append((name, seq, detail))
            return
        known = self._missing.get((name, needs))
        if known is None:
            self._missing[name, needs] = _Missing(seq, detail)
        else:
            known.times += 1


def tells_more(told: v.Index, commit: v.Index) -> str:
    """What is wrong with a leader that tells its followers to commit more than it has."""
    return f"tells to commit up to index {told}, and has committed {commit} itself"


def _shown(configs: Iterable[v.Config]) -> list[v.Config]:
    return [config for config in configs if config.voters]


def _those(nodes: Set[v.NodeId]) -> str:
    return f"nodes {sorted(nodes)}" if nodes else "no other node"
