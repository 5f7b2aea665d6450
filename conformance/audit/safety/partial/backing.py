"""What a node's elections and commitments rest on: the messages that it received.

A leader needs the votes of a quorum (§5.2), and acknowledgements of one for what it commits (§5.3);
a follower commits what a leader told it (Figure 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Final, TypeAlias

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.partial.mail import Covered
from conformance.trace.moments import Capabilities, SeenMessage
from spec.values import Index, NodeId, Term

ELECTED: Final = "ElectedByQuorum"
COMMITTED: Final = "CommittedOnQuorum"

NO_CONFIG: Final = "no configuration is shown"
NO_VOTES: Final = "votes are not noted where they arrive"
NO_ACKS: Final = "acknowledgements are not noted where they arrive"
NO_CALLS: Final = "leaders' calls are not noted where they arrive"
NO_SNAPSHOTS: Final = "snapshots are not noted where they arrive"
AT_FIRST: Final = "the recording begins with it"

_CALLS: Final = frozenset({"append_entries_call", "heartbeat_call"})

Voters: TypeAlias = tuple[tuple[NodeId, ...], ...]
"""Sets of voters, of each of which a quorum is a majority."""


@dataclass(frozen=True, slots=True)
class _Commit:
    """A leader's, which waits for acknowledgements that may stand later in the recording."""

    term: Term
    index: Index
    configs: tuple[Voters, ...]
    seq: int


class PartialBacking:
    def __init__(self, node: NodeId, capabilities: Capabilities, findings: Findings) -> None:
        self.told: Index = 0
        """Up to where a leader or a snapshot has told the node to commit."""
        self._begun: Covered | None = None
        """Where the node's recording begins, if it has not come up since."""
        self._node = node
        self._capabilities = capabilities
        self._findings = findings
        self._votes: dict[Term, set[NodeId]] = {}
        self._acks: dict[Term, dict[NodeId, Index]] = {}
        self._later: list[_Commit] = []
        self._led_in: Term = 0
        self._sent_upto: Index = 0
        """Up to where the calls of the latest leader's term have reached."""

    def receive(self, message: SeenMessage) -> None:
        sender, term, index = message.from_, message.term, message.index
        if message.type == "request_vote_reply" and message.granted:
            self._votes.setdefault(term, set()).add(sender)
        elif message.type == "append_entries_reply" and message.granted and index is not None:
            acks = self._acks.setdefault(term, {})
            acks[sender] = max(acks.get(sender, 0), index)
        elif message.type == "install_snapshot_call" and index is not None:
            self.told = max(self.told, index)
        elif message.commit_index is not None:
            upto = message.commit_index
            if message.type == "append_entries_call" and index is not None:
                # Figure 2: min(leaderCommit, index of last new entry), of all in the term.
                if term > self._led_in:
                    self._led_in, self._sent_upto = term, 0
                self._sent_upto = max(self._sent_upto, index + (message.entries or 0))
                upto = min(upto, self._sent_upto)
            self.told = max(self.told, upto)

    def come_up(self, commit: Index, begun: Covered | None) -> None:
        """Votes and acknowledgements were in memory; what is committed stays committed.

        `begun`: what is noted of the node, if its recording begins here, in the middle of a life.
        """
        self.settle()
        self._begun = begun
        self._votes.clear()
        self._acks.clear()
        self.told = max(self.told, commit)

    def elected(self, term: Term, configs: Iterable[Voters | None], seq: int) -> None:
        """The node leads a term from now on, by the votes of one of these configurations."""
        shown = _shown(configs)
        if "request_vote_reply" not in self._capabilities.receipts:
            self._findings.leave(ELECTED, NO_VOTES)
        elif not shown:
            self._findings.leave(ELECTED, NO_CONFIG)
        else:
            votes = self._votes.get(term, set())
            elected = any(_is_quorum(config, votes | {self._node}) for config in shown)
            if not elected and self._may_lack(term):
                self._findings.leave(ELECTED, AT_FIRST)
                return
            self._findings.checked[ELECTED] += 1
            if not elected:
                detail = f"leads term {term} with the votes of {_those(votes)}, of {shown[-1]}"
                self._findings.report(ELECTED, self._node, seq, detail)

    def committed(
        self, term: Term, index: Index, configs: Iterable[Voters | None], seq: int
    ) -> None:
        """The leader of a term commits up to an index, under one of these configurations."""
        shown = _shown(configs)
        if "append_entries_reply" not in self._capabilities.receipts:
            self._findings.leave(COMMITTED, NO_ACKS)
        elif not shown:
            self._findings.leave(COMMITTED, NO_CONFIG)
        else:
            self._later.append(_Commit(term, index, shown, seq))
            if self._capabilities.order == "all":
                self.settle()

    def settle(self) -> None:
        """Judge the commitments that waited."""
        for commit in self._later:
            acks = self._acks.get(commit.term, {})
            held = {node for node, upto in acks.items() if upto >= commit.index}
            backed = any(_is_quorum(config, held | {self._node}) for config in commit.configs)
            if not backed and self._may_lack(commit.term):
                self._findings.leave(COMMITTED, AT_FIRST)
                continue
            self._findings.checked[COMMITTED] += 1
            if not backed:
                detail = (
                    f"commits index {commit.index} in term {commit.term}, which {_those(held)} "
                    f"acknowledged, of {commit.configs[-1]}"
                )
                self._findings.report(COMMITTED, self._node, commit.seq, detail)
        self._later.clear()

    def _may_lack(self, term: Term) -> bool:
        """Whether something may have arrived in a term before the recording begins."""
        return self._begun is not None and self._begun.may_lack(term)

    def followed(self, term: Term, index: Index, may_be_snapshot: bool, seq: int) -> None:
        """A node that does not lead takes entries for committed up to an index.

        `may_be_snapshot`: its log may have been replaced by one.
        """
        if not frozenset(self._capabilities.receipts) >= _CALLS:
            self._findings.leave(COMMITTED, NO_CALLS)
            return
        notes_snapshots = "install_snapshot_call" in self._capabilities.receipts
        if index > self.told and may_be_snapshot and not notes_snapshots:
            self._findings.leave(COMMITTED, NO_SNAPSHOTS)
            self.told = index
            return
        if index > self.told and self._may_lack(term):
            self._findings.leave(COMMITTED, AT_FIRST)
            self.told = index
            return
        self._findings.checked[COMMITTED] += 1
        if index > self.told:
            detail = f"commits index {index}, and was told of {self.told} at the most"
            self._findings.report(COMMITTED, self._node, seq, detail)
            self.told = index

    def may_have(self, term: Term, index: Index, configs: Iterable[Voters | None]) -> bool:
        """Whether who led a term may have committed so far in it, before it followed."""
        shown, caps = _shown(configs), self._capabilities
        if not shown or caps.order != "all" or "append_entries_reply" not in caps.receipts:
            if index > self.told:
                self._findings.leave(COMMITTED, NO_CONFIG if not shown else NO_ACKS)
            return True
        held = {node for node, upto in self._acks.get(term, {}).items() if upto >= index}
        return any(_is_quorum(config, held | {self._node}) for config in shown)


def _shown(configs: Iterable[Voters | None]) -> tuple[Voters, ...]:
    """Those that have voters; none where the one in force has become unknown."""
    configs = tuple(configs)
    if () in configs:
        return ()
    return tuple(dict.fromkeys(config for config in configs if config and any(config)))


def _is_quorum(config: Voters, nodes: Set[NodeId]) -> bool:
    """§5.2, §6: of each set of voters more are in it than are not."""
    return all(2 * len(nodes & frozenset(voters)) > len(voters) for voters in config if voters)


def _those(nodes: Set[NodeId]) -> str:
    return f"nodes {sorted(nodes)}" if nodes else "no other node"
