"""Programs that speak the subject protocol, in virtual time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.network.clock import MILLISECOND as MS
from conformance.network.foreign import QUESTIONS, needed, possible
from conformance.network.link import Link
from conformance.network.run import Judging, measure
from conformance.network.scenario import Bound, Compact, Down, Late, Policy, Scenario, Transfer
from conformance.network.scenarios import SCENARIOS
from conformance.simulation.foreign.properties import NOT_JUDGED
from conformance.subjects.foreign.process import DiedError
from conformance.subjects.foreign.served import ServedSubject
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import SpecSubject
from spec import values as v
from tests.cli.helpers import ROOT, run
from tests.network.brief import BRIEF
from tests.subjects.foreign.local import local
from tests.subjects.foreign.test_foreign_commands import compiled

FAULTY = replace(
    BRIEF,
    planned=(Compact(0, 130 * MS), Down(1, 140 * MS, 150 * MS), Compact(2, 170 * MS)),
    bounds=(Bound("latency", 0.5),),
)
SUBJECTS = Judging(NOT_JUDGED, bounds=False)


def test_the_figures_are_those_of_the_same_nodes_without_the_protocol() -> None:
    """With restarts and snapshots, for which the log is that which was written."""
    direct = measure(FAULTY, 3)
    served = measure(FAULTY, 3, partial(ServedSubject, local(LibrarySubject)), SUBJECTS)
    assert served.figures == direct.figures
    assert (served.verdict, served.problems) == ("conforms", [])
    assert direct.excesses  # which are no findings about another implementation


def test_a_bug_is_found_by_the_properties() -> None:
    with IN_BOTH["reply-confirms-latest-call"].planted() as broken:
        host = local(partial(LibrarySubject, broken))
        found = measure(FAULTY, 0, partial(ServedSubject, host), SUBJECTS)
    assert found.verdict == "violation"
    assert {one.property for one in found.problems} == {"ConfirmedByQuorum"}
    assert found.records


def test_a_subject_that_fails_is_found_and_has_no_figures() -> None:
    host = local(SpecSubject, faults={b'"propose_command"': DiedError("ended")})
    failed = measure(FAULTY, 0, partial(ServedSubject, host), SUBJECTS)
    assert (failed.verdict, failed.figures, failed.bounds) == ("violation", {}, ())
    assert [one.property for one in failed.problems] == ["Death"]
    assert failed.records


class Idle(SpecSubject):
    """Founds no cluster."""

    def handle(self, node: v.NodeId, event: v.Event) -> v.Outcome:
        if isinstance(event, v.CreateCluster):
            return v.Refused("cluster_exists")
        return super().handle(node, event)


def test_where_nothing_is_committed_nothing_is_judged() -> None:
    idle = measure(BRIEF, 0, partial(ServedSubject, local(Idle)), SUBJECTS)
    assert idle.verdict == "inconclusive"


def needs(**changed: object) -> set[str]:
    return set(needed(replace(BRIEF, **changed))) - {"timers"}  # type: ignore[arg-type]


def test_what_a_scenario_takes_of_a_subject() -> None:
    assert needs() == set()
    assert needs(planned=(Down(1, 1, 2), Compact(0, 1))) == {"restarts", "snapshots"}
    assert needs(limits=v.LIMITS._replace(calls=1), voters=2) == {"limits", "changes"}
    assert needs(link=Link(doubled=1), links={(0, 1): Link(jitter=1)}) == {
        "duplicates",
        "reordering",
    }
    assert needs(planned=(Late(0, 1, 1, 2, 3),)) == {"reordering"}
    for asking in ({"planned": (Transfer(1, 1),)}, {"policy": Policy(pre_vote=True)}):
        assert QUESTIONS in needs(**asking)


def test_which_scenarios_a_subject_is_in() -> None:
    table: list[Scenario] = list(SCENARIOS.values())
    chosen, left_out = possible(table, [])
    assert {one.name for one in chosen} | set(left_out) == set(SCENARIOS)
    assert set(left_out.values()) == {QUESTIONS}
    assert possible(table, ["timers"])[0] == []
    assert possible(table, ["snapshots"])[1]["snapshot"] == "snapshots"


def test_the_command_prints_what_the_document_shows(tmp_path: Path) -> None:
    program = compiled(tmp_path)
    given = ("measure", "--only", "steady", "--out", tmp_path)
    ran = run(*given, "--subject", program)
    assert ran.code == 0, ran.out + ran.err
    assert "conforms: 1 scenarios, of which the properties were judged" in ran.out
    document = (ROOT / "docs" / "subjects.md").read_text("utf-8")
    shown = document.split("$ conformance measure --subject ./raft --only steady\n")[1]
    printed = " ".join(ran.out.split())
    for line in shown.split("```")[0].splitlines():
        assert " ".join(line.split()) in printed
    none = run("measure", "--only", "snapshot", "--subject", program, "--json")
    assert (none.code, none.json["verdict"]) == (3, "inconclusive")
    assert none.json["not_judged"] == {"snapshot": "snapshots"}
    nobody = run(*given, "--subject", "/no/such/program")
    assert (nobody.code, "does not start" in nobody.err) == (2, True)
