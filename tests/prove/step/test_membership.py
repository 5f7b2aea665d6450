"""A change of voters leads through its joint configuration; a bug in the rules is refuted."""

from __future__ import annotations

import pytest

from conformance.prove.runner.obligation import Subjects
from conformance.prove.step.membership import change, comes_next, configurations, obligations
from conformance.prove.step.shapes import config
from conformance.subjects.patched import patched_rule
from spec import rules
from tests.prove.shared import patch


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


BUGS = {
    "a second change while one is in flight": patch(
        "    if node.config.is_joint:\n        return refused",
        "    if False:\n        return refused",
    ),
    "voters change at once": patch(
        "if config.voters != node.config.voters:", "if not config.voters:"
    ),
    "the final configuration is the old one": patch(
        "v.Config(node.config.new_voters, frozenset(), node.config.non_voters)",
        "v.Config(node.config.voters, frozenset(), node.config.non_voters)",
    ),
    "a joint configuration is never left": patch(
        "    if node.config.is_joint:\n        return append_config",
        "    if False:\n        return append_config",
    ),
    "no change is accepted": patch(
        "    if (config.new_voters if config.is_joint else config.voters) & config.non_voters:",
        "    if config.voters:",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_refuted(bug: str) -> None:
    (changes,) = obligations("quick")
    result = changes.prove(Subjects(rule=patched_rule(*BUGS[bug])))
    assert result.detail
    assert result.result == "refuted"
