"""Situations: what a run came by is counted, and what it should have is told."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from conformance.cli.app import app
from conformance.simulation.check import Options, Report, check, specified
from conformance.simulation.coverage import AT, LEAST, OTHERS, Coverage
from conformance.simulation.episode import play
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.simulation.schedule.themes import EVERY, NUMBERS, THEMES, with_theme

COMMON = ("AppendEntriesCall at a follower", "refused: not_leader", "a full window")


def covered(events: int, nodes: int | None = None) -> Report:
    return check(Options(events=events, nodes=nodes, run=specified(), coverage=True))


def test_situations_are_counted_and_change_nothing() -> None:
    with_them, without = covered(3_000), check(Options(events=3_000, run=specified()))
    assert all(with_them.coverage.counts[name] > 10 for name in COMMON)
    assert not without.coverage.counts
    assert (with_them.events, with_them.witnesses) == (without.events, without.witnesses)
    assert set(with_them.coverage.counts) <= set(LEAST)


def test_sixty_situations_have_names_of_their_own() -> None:
    assert len(LEAST) >= 60
    assert len({situation.name for situation in OTHERS}) == len(OTHERS)
    assert all(least > 0 for least in LEAST.values())


def test_what_is_missing_is_told_in_proportion_to_the_events() -> None:
    coverage = Coverage()
    coverage.counts.update(dict.fromkeys(LEAST, 2))
    assert coverage.missing(0) == []
    assert coverage.missing(AT) == [name for name, least in LEAST.items() if least > 2]
    coverage.counts[OTHERS[0].name] = OTHERS[0].least
    assert OTHERS[0].name not in coverage.missing(AT)


def test_a_run_that_has_lost_something_is_told_so() -> None:
    """Of a server alone nobody asks for a vote."""
    report = covered(30_000, nodes=1)
    assert "RequestVoteCall at a follower" in report.coverage.missing(report.events)
    assert "ProposeCommand at a leader" not in report.coverage.missing(report.events)


def test_themes_follow_from_the_number_of_the_episode() -> None:
    themed = {}
    for episode in range(NUMBERS):
        profile = Schedule(0, episode).profile
        assert with_theme(profile, episode) == profile  # twice is once
        plain = Schedule(0, episode, profile=profile).profile
        themed[episode] = plain
    turns = [episode for episode in themed if episode % EVERY == EVERY - 1]
    assert len(turns) == NUMBERS // EVERY
    assert len({THEMES[episode // EVERY % len(THEMES)] for episode in turns}) == len(THEMES)


@pytest.mark.parametrize(
    ("theme", "name"),
    [
        (0, "a call over nine terms"),
        (1, "a refusal while a snapshot is awaited"),
        (2, "a crash in a joint configuration"),
        (3, "a handover that is interrupted"),
        (4, "a full window"),
        (5, "StepDown at a candidate"),
    ],
)
def test_a_theme_comes_by_what_it_is_about(theme: int, name: str) -> None:
    """Within as many episodes of its own as it has in some tens of thousands of events."""
    coverage = Coverage()
    for turn in range(40):
        episode = (turn * len(THEMES) + theme) * EVERY + EVERY - 1
        schedule = Schedule(0, episode)
        run = Run(schedule.profile.nodes)
        run.coverage = coverage
        assert all(finding is None for _, _, finding in play(schedule, run))
        if coverage.counts[name]:
            return
    raise AssertionError(f"never seen: {name}")


def test_a_long_episode_makes_calls_by_the_thousand() -> None:
    schedule = Schedule(0, NUMBERS - 1)
    run = Run(schedule.profile.nodes)
    run.coverage = Coverage()
    assert all(finding is None for _, _, finding in play(schedule, run))
    assert run.coverage.counts["a call number of a thousand"] > 0


def test_the_command_tells_them() -> None:
    ran = CliRunner().invoke(app, ["check", "--events", "500", "--coverage"])
    assert ran.exit_code == 0
    assert "Situations" in ran.output
    assert "a full window" in ran.output
    ran = CliRunner().invoke(app, ["check", "--events", "500", "--coverage", "--json"])
    told = json.loads(ran.output)["coverage"]
    assert set(told["situations"]) == set(LEAST)
    assert isinstance(told["less_than_expected"], list)
    ran = CliRunner().invoke(app, ["check", "--events", "500", "--json"])
    assert "coverage" not in json.loads(ran.output)
