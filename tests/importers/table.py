"""What was compared in recordings of other systems: `python -m tests.importers.table FILE...`.

Each file is the recording of a cluster of its own.  A row is a property; for each file it has how
many comparisons were made, and after a stroke how many questions were left open.
"""

from __future__ import annotations

import sys
from pathlib import Path

from conformance.audit.run import AuditReport, audit
from conformance.audit.safety.audit import CHECKS


def counted(report: AuditReport) -> dict[str, tuple[int, int]]:
    """Of each property that a recording is about: comparisons, and questions left open."""
    checked = {name: report.checked[f"safety {name}"] for name in CHECKS}
    left = {name: sum(why.values()) for name, why in report.unjudged.items()}
    both = {name: (checked[name], left.get(name, 0)) for name in CHECKS}
    return {name: counts for name, counts in both.items() if any(counts)}


def main(paths: list[Path]) -> None:
    reports = [audit([path], level="safety") for path in paths]
    for number, (path, report) in enumerate(zip(paths, reports, strict=True), 1):
        found = ", ".join(sorted({problem.property for problem in report.problems}))
        print(f"{number:3} {path.name}: {report.verdict}{found and f' of {found}'}")
    rows = [counted(report) for report in reports]
    print("\n" + " " * 30 + "".join(f"{number:>9}" for number in range(1, len(rows) + 1)))
    for name in CHECKS:
        cells = [row.get(name, (0, 0)) for row in rows]
        told = [f"{made}" + (f"/{left}" if left else "") for made, left in cells]
        print(f"{name:30}" + "".join(f"{cell if cell != '0' else '':>9}" for cell in told))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
