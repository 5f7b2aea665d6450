"""`--level both`: the same recordings at the exact and at the safety level, held together.

What the specification does is Raft.  So what conforms to it event by event, and is ruled out by
Raft, shows a mistake in one of the two levels.  The other way round there is nothing to explain: a
departure from the specification need not be ruled out by Raft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal, TypeAlias

from conformance.audit.run import AuditReport, audit, found_size
from conformance.observe.verdicts import Format, Verdict
from conformance.workers.pool import Workers

WORST_FIRST: Final[tuple[Verdict, ...]] = ("violation", "bad_input", "inconclusive", "conforms")

Agreement: TypeAlias = Literal["agree", "departure_only", "disagree", "not_compared"]

SAID: Final[dict[Agreement, str]] = {
    "agree": "the levels agree",
    "departure_only": "no disagreement: it departs from the specification, and nothing that it "
    "shows is ruled out by Raft",
    "disagree": "the levels DISAGREE: it is as specified, and yet ruled out by Raft; one of them "
    "is wrong",
    "not_compared": "the levels are not held together: one of them could not judge",
}


@dataclass(frozen=True, slots=True)
class BothReport:
    """What each level says of the same recordings."""

    exact: AuditReport
    safety: AuditReport

    @property
    def agreement(self) -> Agreement:
        exact, safety = self.exact.verdict, self.safety.verdict
        if "bad_input" in (exact, safety):
            return "not_compared"
        if safety == "violation":
            return "agree" if exact == "violation" else "disagree"
        return "departure_only" if exact == "violation" else "agree"

    @property
    def verdict(self) -> Verdict:
        """The worse of the two."""
        return min(self.exact.verdict, self.safety.verdict, key=WORST_FIRST.index)

    def as_json(self) -> dict[str, object]:
        return {
            "verdict": self.verdict,
            "agreement": self.agreement,
            "exact": self.exact.as_json(),
            "safety": self.safety.as_json(),
        }


def audit_both(
    paths: Iterable[Path],
    progress: Callable[[int], None] = lambda done: None,
    complete: bool = False,
    form: Format = "auto",
    workers: Workers | None = None,
    fast: bool = True,
) -> BothReport:
    """As `conformance.audit.run.audit` at each level: files are read twice, so none may be a pipe.

    Recordings of other formats have no exact level, and are bad input here.  `progress` gets how
    many bytes have been read by both, twice as many as the files have.
    """
    paths = list(paths)
    exact = audit(paths, "exact", progress, complete, form, workers, fast)
    read = partial(_further, progress, found_size(paths))
    return BothReport(exact, audit(paths, "safety", read, complete, form, None, fast))


def _further(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)
