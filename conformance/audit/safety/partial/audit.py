"""All nodes of which moments are recorded."""

from __future__ import annotations

from dataclasses import replace

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import EntryIds
from conformance.audit.safety.partial.mail import Ballots, Mail
from conformance.audit.safety.partial.node import PartialNode
from conformance.observe.finding import Problem
from conformance.trace.moments import Capabilities, Moment
from spec.values import NodeId


class PartialAudit:
    """Takes moments one at a time, those of a node in their order."""

    def __init__(self, entry_ids: EntryIds, findings: Findings) -> None:
        self.nodes: dict[NodeId, PartialNode] = {}
        self._entry_ids = entry_ids
        self._findings = findings
        self._mail = Mail(findings)
        self._ballots = Ballots(findings)
        self._latest: NodeId | None = None

    def add(self, moment: Moment, capabilities: Capabilities, file: str) -> None:
        """`file`: the recording that it stands in."""
        node = self.nodes.get(moment.node)
        if node is None:
            self._mail.files.add(file)
            node = self.nodes[moment.node] = PartialNode(
                moment.node,
                capabilities,
                self._entry_ids,
                self._findings,
                self._mail,
                self._ballots,
            )
        elif moment.node != self._latest:
            self._mail.take_turns = True
        self._latest = moment.node
        node.add(moment)

    def located(self, problem: Problem) -> Problem:
        """A problem, and where its moment stands in the recording that was imported."""
        node = None if problem.node is None else self.nodes.get(problem.node)
        if node is None or problem.seq is None or not node.lines[problem.seq - 1]:
            return problem
        return replace(problem, detail=f"{problem.detail} (line {node.lines[problem.seq - 1]})")

    def finish(self) -> None:
        for node in self.nodes.values():
            node.finish()
        self._mail.finish()
        self._ballots.finish()
