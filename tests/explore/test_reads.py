"""Reads that are stale, and leaderships that are given up or handed over, within bounds."""

from __future__ import annotations

from collections import Counter

import pytest

from conformance.explore.search.narrate import narrate
from conformance.explore.search.path import Counterexample
from conformance.explore.search.run import Options, Report, explore
from conformance.explore.states.bounds import PRESETS, Bounds, Cost
from conformance.explore.states.space import Space
from conformance.explore.states.tables import unpack
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.observe.finding import name_of
from conformance.subjects.patched import in_rules, patched_rule
from spec import rules
from spec.values import Node, SeqNo
from tests.explore import planted
from tests.explore.test_liveness import checked, layers

READS, HANDOVER = PRESETS["quick"]["reads"], PRESETS["quick"]["handover"]
LATE = PRESETS["standard"]["reads"]
"""Here a reply may be under way while others elect a leader, and that commits."""


def found_in(report: Report) -> Counterexample:
    assert report.found is not None
    return report.found


def test_leaders_are_behind_and_call_on() -> None:
    """There are states in which a read is stale, and some in which a call could confirm it."""
    space, seen = Space(READS), Counter[str]()
    for layer in layers(space):
        servers, _ = unpack(layer)
        for *members, number in space.servers.table.rows[servers].tolist():
            history = space.nodes.histories[number]
            for who, term, seqno in history.stale_reads:
                node = space.nodes.members[members[who]].node
                read = rules.read_index(node)
                assert read is not None
                assert (read.term, read.index < len(history.committed)) == (term, True)
                seen.update(["stale", "called since"] if node.seqno >= seqno else ["stale"])
    assert seen["stale"] > seen["called since"] > 0


@pytest.mark.parametrize(
    ("mutant", "bounds"),
    [("later-term-not-told", READS), ("reply-confirms-latest-call", LATE)],
    ids=["quick", "standard"],
)
def test_a_stale_read_that_is_confirmed_is_found_by_the_presets(
    mutant: str, bounds: Bounds
) -> None:
    with IN_BOTH[mutant].planted() as broken:
        rule = IN_BOTH[mutant].rule()
        found = found_in(explore(Options(bounds, rule, library=broken, eventually=False)))
    assert name_of(found.finding) == "ReadIndexSafe"
    *_, last = found.moves
    assert last.after.history.stale_reads == ((0, 1, 4),)


def test_a_read_is_confirmed_by_a_quorum(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_itself(node: Node) -> SeqNo:
        return node.seqno + 1

    monkeypatch.setattr("spec.always.confirmed_by_quorum", by_itself)
    report = explore(Options(READS, library=None, eventually=False))
    assert name_of(found_in(report).finding) == "ReadIndexSafe"


# Leaderships given up


def test_a_transfer_that_never_ends_takes_no_commands() -> None:
    found = found_in(explore(Options(HANDOVER, planted.transfer_never_ends(), library=None)))
    assert name_of(found.finding) == "CommitsNew"
    told = "\n".join(narrate(found))
    assert "node 0 is leader that hands over to " in told
    assert "(was leader)" in told
    _, _, sound = checked(HANDOVER)
    assert [name for name, claim in sound.claims.items() if claim.failed] == []


def test_a_vote_is_kept_by_who_steps_down() -> None:
    rule = patched_rule(
        in_rules(
            "    return Effect(node._replace(role=v.Follower()), (v.SetElectionTimeout(),), True)",
            "    node = node._replace(role=v.Follower(), voted_for=None)\n"
            "    return Effect(node, (v.SetElectionTimeout(),), True)",
        )
    )
    report = explore(Options(HANDOVER, rule, library=None, eventually=False))
    assert name_of(found_in(report).finding) == "VoteKeptInTerm"


def test_nobody_is_told_to_campaign_before_a_transfer_began() -> None:
    bounds = Bounds(transfers=2)
    assert bounds.exceeded(Cost(transfers=1, campaigns=1)) == []
    assert bounds.exceeded(Cost(transfers=1, campaigns=2)) == ["transfers"]
    assert bounds.exceeded(Cost(transfers=3)) == ["transfers"]
