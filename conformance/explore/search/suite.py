"""Several explorations, one after another: bounds that each show something else of the protocol."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from conformance.explore.search.path import Counterexample
from conformance.explore.search.run import Options, Report, explore
from conformance.explore.states.bounds import Bounds
from spec.witnesses import SOMETIMES


@dataclass(slots=True)
class SuiteReport:
    runs: dict[str, Report] = field(default_factory=dict)
    planned: int = 0

    @property
    def verdict(self) -> str:
        if self.found is not None:
            return "violation"
        done = [run for run in self.runs.values() if run.verdict == "conforms"]
        return "conforms" if done and len(done) == self.planned else "inconclusive"

    @property
    def found(self) -> Counterexample | None:
        return next((run.found for run in self.runs.values() if run.found is not None), None)

    @property
    def complete(self) -> bool:
        return len(self.runs) == self.planned and all(run.complete for run in self.runs.values())

    @property
    def witnesses(self) -> dict[str, int]:
        seen: Counter[str] = Counter()
        for run in self.runs.values():
            seen.update(run.witnesses)
        return {witness.name: seen[witness.name] for witness in SOMETIMES}

    @property
    def rules(self) -> dict[str, int]:
        fired: Counter[str] = Counter()
        for run in self.runs.values():
            fired.update(run.rules)
        return {name: fired[name] for run in self.runs.values() for name in run.rules}

    def as_json(self) -> dict[str, object]:
        """The sums of all runs, and each of them; `depth` is that of the deepest."""
        runs = list(self.runs.values())
        return {
            "verdict": self.verdict,
            "complete": self.complete,
            "distinct_states": sum(run.distinct for run in runs),
            "generated_states": sum(run.generated for run in runs),
            "depth": max((run.depth for run in runs), default=0),
            "node_transitions": sum(run.transitions for run in runs),
            "seconds": round(sum(run.seconds for run in runs), 3),
            "witnesses": self.witnesses,
            "never_seen": [name for name, count in self.witnesses.items() if not count],
            "rules": self.rules,
            "never_fired": [name for name, count in self.rules.items() if not count],
            "finding": self.found.as_json() if self.found is not None else None,
            "runs": {name: run.as_json() for name, run in self.runs.items()},
        }


def explore_all(
    named: Mapping[str, Bounds],
    options: Options,
    progress: Callable[[str, Report], None] = lambda name, report: None,
) -> SuiteReport:
    """Each bounds in turn, within one budget of time, up to the first that something is wrong in.

    Where there are several, each has a checkpoint of its own, with its name added.
    """
    suite = SuiteReport(planned=len(named))
    started = time.monotonic()
    for name, bounds in named.items():
        left, checkpoint = options.seconds, options.checkpoint
        if left is not None:
            left = max(0.0, left - (time.monotonic() - started))
        if checkpoint is not None and len(named) > 1:
            checkpoint = checkpoint.with_name(f"{checkpoint.name}.{name}")
        one = replace(options, bounds=bounds, seconds=left, checkpoint=checkpoint)
        suite.runs[name] = explore(one, lambda report, name=name: progress(name, report))  # type: ignore[misc]
        if suite.found is not None:
            break
    return suite
