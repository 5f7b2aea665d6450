"""What was judged, item by item: what both formats are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.audit.both import BothReport
from conformance.audit.run import AuditedFile, AuditReport
from conformance.campaign.run import Report as CampaignReport
from conformance.campaign.work import Shown
from conformance.observe.finding import Problem, describe, name_of
from conformance.observe.verdicts import Verdict
from conformance.release.verify import VerifyReport
from conformance.simulation.check import Found
from conformance.simulation.check import Report as CheckReport


@dataclass(frozen=True, slots=True)
class Item:
    """Something that was judged, or a violation.

    `name`: of a violation the property.  `detail`: why it does not conform.  `path`: the file that
    shows it, `node` and `seq` the record in it.
    """

    name: str
    verdict: Verdict
    detail: str = ""
    path: Path | None = None
    node: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """All that a command judged.  `seconds`: what it took, where that is known."""

    command: str
    verdict: str
    items: list[Item]
    seconds: float | None = None


def of_audit(report: AuditReport) -> Judged:
    """Each file, each violation, and what keeps the recordings from conforming besides."""
    items = [_of_file(file) for file in report.files]
    first = Path(report.files[0].path) if report.files else None
    items += [_of_problem(problem, first) for problem in report.problems]
    for missing in report.missing:
        if missing.between:
            detail = f"node {missing.node}: records {missing.first} to {missing.last} are missing"
            items.append(Item("missing records", "inconclusive", detail, first, missing.node))
    if report.never_compared:
        detail = ", ".join(report.never_compared)
        items.append(Item("never compared", "inconclusive", detail, first))
    return Judged("audit", report.verdict, items, report.seconds)


def of_both(report: BothReport) -> Judged:
    """What each level judged, one after the other."""
    levels = of_audit(report.exact), of_audit(report.safety)
    return Judged("audit", report.verdict, [item for one in levels for item in one.items])


def _of_file(file: AuditedFile) -> Item:
    """That it was read, and judged as far as it goes."""
    path = Path(file.path)
    if file.error is None or file.continued:
        return Item(file.path, "conforms", path=path)
    return Item(file.path, "inconclusive" if file.cut else "bad_input", file.error, path)


def _of_problem(problem: Problem, path: Path | None) -> Item:
    return Item(problem.property, "violation", problem.detail, path, problem.node, problem.seq)


def of_check(report: CheckReport, traces: Sequence[Path | None]) -> Judged:
    """`traces`: where the findings were written."""
    name = f"seed {report.options.seed}, {report.events:,} events"
    items = [] if report.found is not None else [Item(name, "conforms")]
    found = [] if report.found is None else [report.found, *report.others]
    items += [_of_found(one, path) for one, path in zip(found, traces, strict=True)]
    items += [Item("not compared", "inconclusive", why) for why in report.unread]
    return Judged("check", report.verdict, items, report.seconds)


def _of_found(found: Found, path: Path | None) -> Item:
    finding = found.finding
    return Item(name_of(finding), "violation", describe(finding), path, finding.node)


def of_campaign(report: CampaignReport, traces: Sequence[Path | None]) -> Judged:
    """`traces`: where the findings were written."""
    name = f"seed {report.options.plan.seed}, {report.cases:,} cases"
    items = [] if report.found else [Item(name, "conforms")]
    items += [_of_shown(one, path) for one, path in zip(report.findings, traces, strict=True)]
    items += [
        Item(one.signature[0], "violation", f"case {one.case}: {one.detail}", node=one.node)
        for one in report.not_shrunk
    ]
    items += [Item("not judged", "inconclusive", why) for why in report.not_judged]
    if report.stopped:
        said = f"stopped after {report.tasks:,} tasks of {report.options.tasks:,}"
        items.append(Item("stopped", "inconclusive", said))
    return Judged("campaign", report.verdict, items, report.seconds)


def _of_shown(one: Shown, path: Path | None) -> Item:
    found = one.found
    detail = f"case {found.case}: {found.detail}"
    return Item(one.signature[0], "violation", detail, path, found.node)


def of_verify(report: VerifyReport, traces: Mapping[str, Path | None]) -> Judged:
    """Each part that was run, and each recording.  `traces`: by part, where a finding is."""
    parts = {
        "lockstep": report.check,
        "live": report.live,
        "exploration": report.explored,
        "proofs": report.proofs,
        "network": report.measured,
    }
    items: list[Item] = []
    for name, part in parts.items():
        if part is not None:
            detail = "" if part.verdict == "conforms" else _why(name, part)
            items.append(Item(name, _verdict(part.verdict), detail, traces.get(name)))
    for trace in report.traces:
        found = trace.report.verdict
        said = "" if trace.as_expected else f"{found}; expected {trace.expected.verdict}"
        verdict: Verdict = "conforms" if trace.as_expected else "violation"
        items.append(Item(f"{trace.path.parent.name}/{trace.path.name}", verdict, said, trace.path))
    items += [Item("collection", "bad_input", complaint) for complaint in report.complaints]
    return Judged("verify", report.verdict, items)


def _why(name: str, part: object) -> str:
    if isinstance(part, CheckReport) and part.found is not None:
        return f"{name_of(part.found.finding)}: {describe(part.found.finding)}"
    return f"the report of the part {name} tells more"


def _verdict(verdict: str) -> Verdict:
    known: dict[str, Verdict] = {"conforms": "conforms", "violation": "violation"}
    return known.get(verdict, "inconclusive")
