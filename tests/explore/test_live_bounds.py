"""The claims of `eventually` whose bounds are small constants, each with a bug that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.explore.liveness.exchange import at_rest
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import PRESETS, Bounds
from spec import rules
from spec.cluster import Change, Cluster, Rule, apply
from spec.values import Leader, Progress, SetElectionTimeout
from tests.explore import planted
from tests.explore.test_liveness import SMALL, TINY, checked
from tests.support.scenario import leading, log_of

LIVES, WINDOW = PRESETS["quick"]["lives"], PRESETS["quick"]["window"]
SNAPSHOTS = Bounds(terms=2, log=3, proposals=0, in_flight=1, losses=2, snapshots=1)


def broken(bounds: Bounds, rule: Rule) -> set[str]:
    _, _, report = checked(bounds, rule)
    return {name for name, claim in report.claims.items() if claim.failed}


def changes_after(bounds: Bounds, rule: Rule, claim: str) -> Iterator[Change]:
    """The steps from an explored state that show how the claim is broken."""
    space, _, report = checked(bounds, rule)
    failure = report.claims[claim].failure
    assert failure is not None
    cluster: Cluster = space.cluster(failure.state)
    for step in failure.steps(space, cluster):
        change = apply(cluster, step, rule)
        yield change
        cluster = change.after


def test_the_bounds_hold() -> None:
    for bounds in (SMALL, LIVES, SNAPSHOTS, WINDOW):
        assert broken(bounds, rules.step) == set()


def test_who_cannot_win_does_not_keep_others_from_trying() -> None:
    rule = planted.timer_set_by_any_term()
    assert "ElectorHoldsOut" in broken(SMALL, rule)
    *_, last = changes_after(SMALL, rule, "ElectorHoldsOut")
    assert not any(isinstance(member.node.role, Leader) for member in last.after.members)
    timers = [
        change.turn.node
        for change in changes_after(SMALL, rule, "ElectorHoldsOut")
        if change.turn is not None
        for done in change.turn.executed
        if isinstance(done.action, SetElectionTimeout)
    ]
    _, _, report = checked(SMALL, rule)
    failure = report.claims["ElectorHoldsOut"].failure
    assert failure is not None
    starved = int(failure.detail.split()[1].rstrip(","))
    assert timers.count(starved) >= SMALL.nodes


def test_a_late_call_of_an_earlier_life_costs_no_heartbeat() -> None:
    rule = planted.number_of_an_earlier_life()
    assert broken(LIVES, rule) >= {"LeaderGathers", "CommitsNew"}
    *_, last = changes_after(LIVES, rule, "LeaderGathers")
    leaders = [member.node for member in last.after.members if isinstance(member.node.role, Leader)]
    assert [node.current_term for node in leaders] == [2]


@pytest.mark.parametrize("missing", ["crashes", "heartbeats"])
def test_it_takes_a_restart_and_a_number_that_is_not_reached_again(missing: str) -> None:
    bounds = replace(LIVES, **{missing: 0})
    assert broken(bounds, planted.number_of_an_earlier_life()) == set()


def test_commands_under_way_are_not_sent_again() -> None:
    rule = planted.every_reply_answered()
    assert "SendsOnce" in broken(SMALL, rule)
    *_, last = changes_after(SMALL, rule, "SendsOnce")
    assert not last.after.network


def test_a_snapshot_under_way_is_not_asked_for_again() -> None:
    assert "InstallsOnce" in broken(SNAPSHOTS, planted.snapshot_asked_by_each_refusal())


def test_calls_do_not_breed_where_the_last_one_arrives_first() -> None:
    assert "ExchangesEnd" in broken(WINDOW, planted.window_for_a_probe())


def test_a_refusal_that_its_acceptance_overtakes_costs_no_heartbeat() -> None:
    """Of two calls the first is accepted; the refusal of the second, sent before, comes late."""
    assert broken(WINDOW, planted.late_refusal_ignored()) == {"LeaderGathers"}


def test_what_is_found_is_told_with_the_way_there() -> None:
    report = explore(Options(TINY, planted.timer_set_by_any_term(), library=None))
    assert report.verdict == "violation"
    assert report.found is not None
    assert "ElectorHoldsOut" in str(report.found.as_json())


def test_a_reply_to_a_call_of_an_earlier_life_is_noticed_where_it_comes() -> None:
    report = explore(Options(LIVES, planted.number_of_an_earlier_life(), library=None))
    assert report.found is not None
    assert "ReplyIsToOwnCall" in str(report.found.as_json())
    report = explore(Options(LIVES, rules.step, library=None, eventually=False))
    assert report.verdict == "conforms"


def test_numbers_of_calls_at_rest() -> None:
    """That there were calls is known, but not how many; a snapshot may be asked for so many on."""
    peers = (Progress(1, probe=5, asked=7, answered=5), Progress(2, probe=3, asked=6, answered=1))
    leader = leading(0, 2, log_of(2))._replace(role=Leader(peers, 2, transfer=1), seqno=5)
    rested = at_rest(leader)
    assert rested.seqno == 1
    known = Progress(1, probe=1, asked=3, answered=1), Progress(2, probe=1, asked=1, answered=1)
    assert rested.role == Leader(known, 2, transfer=1)
    assert at_rest(rested) == rested


def test_a_space_without_symmetry_says_the_same() -> None:
    _, _, plain = checked(LIVES, rules.step, symmetry=False)
    _, _, report = checked(LIVES, rules.step)
    assert [claim.most for claim in plain.claims.values()] == [
        claim.most for claim in report.claims.values()
    ]
