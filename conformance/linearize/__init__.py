"""Whether clients saw one copy of the data: linearizability of histories.

A history is what clients saw: of each operation the call, and what came of it.  It is linearizable
if every operation can be given one moment between its call and its return, so that the results are
those of a single copy that takes one operation at a time (Herlihy and Wing, "Linearizability: a
correctness condition for concurrent objects", 1990).  Nothing is known of the system that is
judged, nor of Raft.

    report = check([Path("history.jsonl")])
    report.verdict            # "conforms", "violation" or "inconclusive"

`search` is the checker itself, for operations on any object that a `Model` describes.  May import
the standard library, pydantic, jinja2 for the page, and of `conformance.observe` how files and
pages are made and what is wrong with files is told.
"""

from conformance.linearize.check import Report, check, judge
from conformance.linearize.errors import BadHistory
from conformance.linearize.explain import Explanation, explain
from conformance.linearize.history import History, read
from conformance.linearize.models import (
    IMPOSSIBLE,
    KEY_VALUE,
    REGISTER,
    UNKNOWN,
    Call,
    Model,
    Operation,
)
from conformance.linearize.search import BUDGET, Found, search

__all__ = [
    "BUDGET",
    "IMPOSSIBLE",
    "KEY_VALUE",
    "REGISTER",
    "UNKNOWN",
    "BadHistory",
    "Call",
    "Explanation",
    "Found",
    "History",
    "Model",
    "Operation",
    "Report",
    "check",
    "explain",
    "judge",
    "read",
    "search",
]
