"""`--level safety`: was that Raft?  Nothing is assumed about the implementation that was recorded.

Only what the recording itself shows is judged.  What one node's records decide is judged as they
come (`node`, `disk`).  What takes several nodes is judged at the end, when it does
not matter any more in which order the records of different nodes were read: they need no common
clock.

Properties bear the names that `spec.always` and `spec.steps` give them.  Those of the recording as
such are RestartFromDisk, LogConsistent and EveryMessageWasSent.

Memory: per node 12 bytes for each index of its log and 12 more for each committed one, twice 4
for the log itself; per message sent, some 80 bytes.  A record costs what it holds, however long
the logs are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Protocol

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import EntryIds, value_at
from conformance.audit.safety.messages import Mail
from conformance.audit.safety.node import NodeAudit
from conformance.audit.safety.partial.audit import PartialAudit
from conformance.audit.safety.shown import Commitment, Election, Shown
from conformance.audit.safety.sightings import BLOCK, Compared, Sighted, seen_at
from conformance.observe.finding import Problem
from conformance.observe.recorded import Recorded
from conformance.trace.moments import Capabilities, Moment
from spec.values import NodeId, Position, Term

FIGURE_3 = ("ElectionSafety", "LogMatching", "LeaderCompleteness", "StateMachineSafety")

LISTED = 12
"""So many sightings are told of one contradiction."""

CHECKS = (
    "ChangeAfterCommitInTerm",
    "CommitMonotonic",
    "CommittedEntriesStay",
    "CommittedOnQuorum",
    "ConfigChangeThroughJoint",
    "ConfirmedByQuorum",
    "ElectedByQuorum",
    "ElectionSafety",
    "EntriesKeptInTerm",
    "EntriesPersistedBeforeReply",
    "EveryMessageWasSent",
    "LeaderAppendOnly",
    "LeaderCompleteness",
    "LogConsistent",
    "LogMatching",
    "NeverCommitEarlierTermDirectly",
    "OneChangeAtATime",
    "RestartFromDisk",
    "SnapshotWithinCommit",
    "StaleCallRejected",
    "StateMachineSafety",
    "TermMonotonic",
    "TermNotBelowLog",
    "TermsMonotonicInLog",
    "TermPersistedBeforeMessage",
    "VoteForUpToDateLog",
    "VoteKeptInTerm",
    "VoteOncePerTerm",
    "VotePersistedBeforeReply",
    "WriteContinuesLog",
)


class Judged(Protocol):
    """A node, whatever was recorded of it."""

    @property
    def shown(self) -> Shown: ...

    @property
    def members(self) -> frozenset[NodeId]: ...


class SafetyAudit:
    """Takes records one at a time, those of a node in their order; then tells what is wrong.

    `complete`: the recordings of all nodes end together, as when a cluster was stopped.  Without
    that, a reply that a node sent in the last term it recorded may lie after its recording's end.
    It may be set until `finish`.
    """

    def __init__(self, complete: bool = True) -> None:
        self.complete = complete
        self._entry_ids = EntryIds()
        self._findings = Findings()
        self._mail = Mail(self._findings)
        self._nodes: dict[NodeId, NodeAudit] = {}
        self._partial = PartialAudit(self._entry_ids, self._findings)

    @property
    def checked(self) -> dict[str, int]:
        """How many comparisons each property took; complete after `finish`."""
        return {name: self._findings.checked[name] for name in CHECKS}

    @property
    def unjudged(self) -> dict[str, dict[str, int]]:
        """How many questions were left open, by property and reason; complete after `finish`."""
        return {name: dict(why) for name, why in sorted(self._findings.unjudged.items())}

    @property
    def never_compared(self) -> list[str]:
        """Of Figure 3's properties those that nothing in the recordings is about; after `finish`.

        Where nobody led, or nothing was shown twice, they are not found to hold.
        """
        if not self._nodes and not self._partial.nodes:
            return []
        return [name for name in FIGURE_3 if not self._findings.checked[name]]

    def add(self, record: Recorded) -> None:
        node = self._nodes.get(record.node)
        if node is None:
            node = NodeAudit(record.node, self._entry_ids, self._mail, self._findings)
            self._nodes[record.node] = node
        node.add(record)

    def add_moment(self, moment: Moment, capabilities: Capabilities, file: str) -> None:
        """A moment of another implementation's node, which is in no record."""
        self._partial.add(moment, capabilities, file)

    def finish(self) -> list[Problem]:
        """All problems, each cause once, by property, node and seq.  To be called once."""
        recorded = self._nodes.values()
        steps_shown = any(node.steps.shows_steps for node in recorded)
        for node in recorded:
            node.finish(steps_shown, self.complete)
        self._mail.finish(self.complete)
        self._partial.finish()
        nodes: dict[NodeId, Judged] = dict(sorted((self._nodes | self._partial.nodes).items()))
        self._check_elections(nodes)
        self._check_matching(nodes)
        self._check_committed(nodes)
        self._check_leaders_logs(nodes)
        self._check_snapshots(nodes)
        return [self._partial.located(problem) for problem in self._findings.problems()]

    def _check_elections(self, nodes: Mapping[NodeId, Judged]) -> None:
        """§5.2: at most one leader in a term, by what it shows and by who sends AppendEntries."""
        leaders: dict[Term, dict[NodeId, tuple[NodeId, int, str]]] = defaultdict(dict)
        # What a leader shows of itself says more than what it sent, and that than what arrived.
        for name, node in nodes.items():
            for term, seq in node.shown.leads.items():
                leaders[term].setdefault(name, (name, seq, "leads"))
        for name, node in nodes.items():
            for term, seq in node.shown.sent_calls.items():
                leaders[term].setdefault(name, (name, seq, "sent AppendEntries"))
        for name, node in nodes.items():
            for (term, sender), seq in node.shown.led_by.items():
                how = f"sent AppendEntries that node {name} received"
                leaders[term].setdefault(sender, (name, seq, how))
        for term, who in sorted(leaders.items()):
            self._findings.checked["ElectionSafety"] += 1
            if len(who) > 1:
                said = _listed(
                    f"node {leader} {how} (node {at}, seq {seq})"
                    for leader, (at, seq, how) in sorted(who.items())
                )
                at, seq, _ = who[max(who)]
                detail = f"term {term} has {len(who)} leaders: {said}"
                self._findings.report("ElectionSafety", at, seq, detail, term)

    def _check_matching(self, nodes: Mapping[NodeId, Judged]) -> None:
        """§5.3: index and term determine an entry and the term of the one before it.

        By induction they determine the log up to there.  The lowest index of each term is reported.
        """
        entry_ids, findings = self._entry_ids, self._findings
        logs = {name: node.shown.log for name, node in nodes.items()}
        compared = Compared(logs)
        findings.checked["LogMatching"] += compared.count
        reported: set[Term] = set()
        for index, shown in seen_at(logs, compared.differing).items():
            by_term: dict[Term, list[Sighted]] = defaultdict(list)
            for one in shown:
                by_term[entry_ids.terms[one[2]]].append(one)
            for term, same in sorted(by_term.items()):
                if term in reported or len({entry_id for _, _, entry_id in same}) == 1:
                    continue
                reported.add(term)
                said = _listed(
                    f"node {node} has {entry_ids.describe(entry_id)} after one of term "
                    f"{entry_ids.previous[entry_id]} (seq {seq})"
                    for node, seq, entry_id in same
                )
                node, seq = _blamed(nodes, same)
                detail = f"index {index}, term {term}: {said}"
                findings.report("LogMatching", node, seq, detail, term)

    def _check_committed(self, nodes: Mapping[NodeId, Judged]) -> None:
        """§5.4.3: what anyone ever knew to be committed at an index is one entry.

        The lowest index where that fails is reported; those after it follow from it.
        """
        entry_ids, findings = self._entry_ids, self._findings
        committed = {name: node.shown.committed for name, node in nodes.items()}
        positions = {name: node.shown.positions for name, node in nodes.items()}
        entries, terms = Compared(committed), Compared(positions)
        suspects = entries.differing | terms.differing
        for number in entries.first.keys() & terms.first.keys():
            pairs = zip(entries.first[number], terms.first[number], strict=True)
            for index, (one, other) in enumerate(pairs, number * BLOCK):
                if one and other:
                    terms.count += 1
                    if entry_ids.terms[one] != entry_ids.terms[other]:
                        suspects.add(index)
        findings.checked["StateMachineSafety"] += entries.count + terms.count
        in_full, in_part = seen_at(committed, suspects), seen_at(positions, suspects)
        for index in sorted(suspects):
            shown = sorted(in_full[index] + in_part[index])
            ids = {entry_id for _, _, entry_id in shown}
            # An id also tells the term of the entry before, which is for LogMatching.
            payloads = {entry_ids.payloads[entry_id] for entry_id in ids} - {None}
            if len({entry_ids.terms[entry_id] for entry_id in ids}) > 1 or len(payloads) > 1:
                at, seq = _blamed(nodes, shown)
                said = _listed(
                    f"node {name} committed {entry_ids.describe(entry_id)} (seq {seq})"
                    for name, seq, entry_id in shown
                )
                findings.report("StateMachineSafety", at, seq, f"index {index}: {said}")
                break

    def _check_leaders_logs(self, nodes: Mapping[NodeId, Judged]) -> None:
        """§5.4: what was committed in a term is in the log of every later term's leader.

        The last such entry stands for those before it, by LogMatching.
        """
        findings, name = self._findings, "LeaderCompleteness"
        commits = [found for node in nodes.values() for found in node.shown.commits.items()]
        commits.sort(key=lambda found: (found[0], found[1].position.index, found[1].node))
        elections = [found for node in nodes.values() for found in node.shown.elections]
        elections.sort(key=lambda found: (found[0], found[1].node, found[1].seq))
        latest: tuple[Term, Commitment] | None = None
        ended, reported = 0, set[Term]()
        for term, election in elections:
            while ended < len(commits) and commits[ended][0] < term:
                if latest is None or commits[ended][1].position.index >= latest[1].position.index:
                    latest = commits[ended]
                ended += 1
            if latest is None:  # nothing is known to have been committed in an earlier term
                findings.checked[name] += 1
                continue
            committed_in, commit = latest
            position = commit.position
            has = _lacks(election, position)
            if has is None:
                findings.leave(name, "the leader's log is not known there")
                continue
            findings.checked[name] += 1
            if not has:
                continue
            if committed_in not in reported:
                reported.add(committed_in)
                detail = (
                    f"index {position.index} of term {position.term} was committed in term "
                    f"{committed_in}, as node {commit.node} knew (seq {commit.seq}); "
                    f"node {election.node} leads term {term} and {has}"
                )
                findings.report(name, election.node, election.seq, detail, committed_in)

    def _check_snapshots(self, nodes: Mapping[NodeId, Judged]) -> None:
        """§7: a snapshot is of committed entries, by what any node knew at any time."""
        name = "SnapshotWithinCommit"
        vouched = max((node.shown.vouched for node in nodes.values()), default=0)
        for at, node in nodes.items():
            for index, seq in node.shown.ahead:
                self._findings.checked[name] += 1
                if index <= vouched:
                    continue
                if self.complete and node.members <= nodes.keys():
                    detail = f"a snapshot up to index {index}, committed is {vouched}"
                    self._findings.report(name, at, seq, detail)
                else:
                    self._findings.checked[name] -= 1
                    self._findings.leave(name, "recordings of some nodes are missing or cut")


def _lacks(election: Election, position: Position) -> str | None:
    """How a new leader's log lacks a committed position; "" if it does not, None if not known."""
    index, last = position.index, election.last
    if index > last.index:
        return f"has a log up to index {last.index}"
    if election.has_term and last.term < position.term:
        return f"has a log that ends with term {last.term}"
    if index == last.index and election.has_term:
        return "" if last.term == position.term else f"has term {last.term} there"
    if index < election.base or index > election.known:
        return None
    found = value_at(election.terms, index)
    return "" if found == position.term else f"has term {found} there"


def _listed(said: Iterable[str]) -> str:
    parts = list(said)
    more = len(parts) - LISTED
    return "; ".join(parts[:LISTED]) + (f"; and {more} more" if more > 0 else "")


def _blamed(
    nodes: Mapping[NodeId, Judged], shown: Iterable[tuple[NodeId, int, Hashable]]
) -> tuple[NodeId, int]:
    """The record that a contradiction is reported at.

    Terms are the clock that all nodes share (§5.1).  What contradicts is dated by the term in
    which it was first shown; the latest of these is to blame, where it was first shown.
    """
    first: dict[Hashable, tuple[Term, NodeId, int]] = {}
    for node, seq, what in shown:
        dated = nodes[node].shown.term_at(seq), node, seq
        first[what] = min(first.get(what, dated), dated)
    _, node, seq = max(first.values())
    return node, seq
