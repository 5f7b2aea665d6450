"""Quorums overlap and are counted right; and a bug in one of the rules is refuted."""

from __future__ import annotations

from functools import cache

import pytest

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.runner.obligation import Obligation, Result, Subjects
from conformance.prove.step.quorums import (
    SERVERS,
    change,
    comes_next,
    configurations,
    disjoint,
    obligations,
    subsets,
)
from conformance.prove.step.shapes import config
from conformance.subjects.patched import Patch, patched_rule
from spec import rules
from tests.prove.shared import patch


@cache
def quick() -> tuple[Obligation, ...]:
    return tuple(obligations("quick"))


def proved_of(start: str, *patches: Patch) -> list[Result]:
    subjects = Subjects(rule=patched_rule(*patches) if patches else rules.step)
    return [one.prove(subjects) for one in quick() if one.name.startswith(start)]


def test_without_a_joint_configuration_two_majorities_need_not_overlap() -> None:
    """§6, Figure 10: why membership cannot change from one set of voters to another at once."""
    found = disjoint(rules.has_quorum, SERVERS, subsets(SERVERS))
    assert found is not None
    old, one, new, two = found
    assert old.voters & new.voters
    assert rules.has_quorum(old, one)
    assert rules.has_quorum(new, two)
    assert not one & two


def test_a_change_of_voters_is_next_to_its_joint_configuration_alone() -> None:
    old, joint, new = config("01", "", "2"), config("01", "02", "3"), config("02", "", "3")
    assert comes_next(old, joint)
    assert comes_next(joint, new)
    assert not comes_next(old, new)
    assert not comes_next(joint, old)
    assert not comes_next(joint, config("01", "03", "3"))
    assert comes_next(old, config("01"))
    assert not comes_next(old, config("01", "", "1"))


def test_a_change_leads_through_its_joint_configuration() -> None:
    assert change(rules.step, config("01"), config("01", "12")) == (None, True)
    assert change(rules.step, config("01"), config("12")) == (None, False)
    assert change(rules.step, config("01", "12"), config("01")) == (None, False)


def test_configurations_are_all_there_are() -> None:
    """Each of two servers is an old voter, both, a new voter, without a vote, or not there; or,
    where the other is a new voter, an old one that is to have no vote.
    """
    found = list(configurations(2))
    assert len(set(found)) == len(found) == 25 - 9 + 4
    assert config("0", "1", "0") in found
    assert all(one.voters for one in found)
    assert config("0", "1") in found


# Bugs


UNION = IN_BOTH["joint-quorum-over-union"].in_spec
BUGS: dict[str, tuple[str, tuple[Patch, ...]]] = {
    "a joint quorum is a majority of the union": ("membership/overlap", UNION),
    "a joint quorum is counted over the union": ("membership/counting", UNION[1:]),
    "the new voters have no say": (
        "membership/overlap",
        patch(" and (not config.is_joint or majority(config.new_voters))", ""),
    ),
    "half of the voters are a quorum": (
        "membership/overlap",
        patch("> len(voters) // 2", ">= len(voters) // 2"),
    ),
    "exactly so many are a quorum": (
        "membership/overlap",
        patch("> len(voters) // 2", "== len(voters) // 2 + 1"),
    ),
    "a quorum index one too high": (
        "membership/counting",
        patch("numbers[len(voters) // 2]", "numbers[(len(voters) - 1) // 2]"),
    ),
    "a quorum index too low": (
        "membership/counting",
        patch("numbers[len(voters) // 2]", "numbers[-1]"),
    ),
    "the higher of the two counts": (
        "membership/counting",
        patch(
            "return min(by_majority(config.voters), by_majority(config.new_voters))",
            "return max(by_majority(config.voters), by_majority(config.new_voters))",
        ),
    ),
    "a leader without a vote counts itself": (
        "membership/counting",
        patch("if member in voters)", "if member in voters or member == held[-1][0])"),
    ),
    "a second change while one is in flight": (
        "membership/changes",
        patch(
            "    if node.config.is_joint:\n        return refused",
            "    if False:\n        return refused",
        ),
    ),
    "voters change at once": (
        "membership/changes",
        patch("if config.voters != node.config.voters:", "if not config.voters:"),
    ),
    "the final configuration is the old one": (
        "membership/changes",
        patch(
            "v.Config(node.config.new_voters, frozenset(), node.config.non_voters)",
            "v.Config(node.config.voters, frozenset(), node.config.non_voters)",
        ),
    ),
    "a joint configuration is never left": (
        "membership/changes",
        patch(
            "    if node.config.is_joint:\n        return append_config",
            "    if False:\n        return append_config",
        ),
    ),
    "no change is accepted": (
        "membership/changes",
        patch(
            "    if (config.new_voters if config.is_joint else config.voters) & config.non_voters:",
            "    if config.voters:",
        ),
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_refuted(bug: str) -> None:
    start, patches = BUGS[bug]
    refuted = [one for one in proved_of(start, *patches) if one.result == "refuted"]
    assert refuted
    assert all(one.detail for one in refuted)
    assert all(one.found.replays for one in refuted if one.found is not None)
