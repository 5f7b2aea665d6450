"""Where the checks of the safety audit put what they found, and how much they compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import replace

from conformance.observe.finding import Problem
from spec.values import NodeId


class Findings:
    """Problems, each cause reported once, and counts of what was judged and what could not be."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.unjudged: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Questions left open, by property and reason."""
        self._first: dict[tuple[str, Hashable], Problem] = {}
        self._repeats: Counter[tuple[str, Hashable]] = Counter()

    def report(
        self,
        name: str,
        node: NodeId | None,
        seq: int | None,
        detail: str,
        cause: Hashable = None,
        times: int = 1,
    ) -> None:
        """A problem of a node.  One with the same cause at the same node is only counted."""
        key = (name, (node, cause))
        if key in self._first:
            self._repeats[key] += times
        else:
            self._first[key] = Problem(name, node, seq, detail)
            self._repeats[key] += times - 1

    def leave(self, name: str, reason: str, times: int = 1) -> None:
        """A question that the recording does not answer."""
        self.unjudged[name][reason] += times

    def forget(self, name: str, node: NodeId | None, cause: Hashable) -> None:
        """Drop a problem that another one says better."""
        self._first.pop((name, (node, cause)), None)

    def problems(self) -> list[Problem]:
        """All of them, in an order that depends on nothing but what they are."""
        found = []
        for key, problem in self._first.items():
            if repeats := self._repeats[key]:
                times = "once more" if repeats == 1 else f"{repeats} times more"
                problem = replace(problem, detail=f"{problem.detail} (and {times} at this node)")
            found.append(problem)
        return sorted(found, key=_order)


def _order(problem: Problem) -> tuple[str, int, int, str]:
    """By property, node and seq; a problem of no single record comes first."""
    node = -1 if problem.node is None else problem.node
    seq = -1 if problem.seq is None else problem.seq
    return problem.property, node, seq, problem.detail
