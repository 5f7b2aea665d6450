"""Asked of what a step has touched alone, properties and witnesses say what the plain ones say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pytest

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.observe import checking
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.patched import in_rules, patched_rule
from spec import always, properties, witnesses
from spec.cluster import Change, Rule, apply, new_cluster
from spec.rules import step
from tests.spec.broken_states import EXAMPLES, Example

BROKEN = {
    "an entry of an earlier term is committed by counting": in_rules(
        "if index <= node.commit_index or node.log.term(index) != node.current_term:",
        "if index <= node.commit_index:",
    ),
    "half of the voters are a quorum": in_rules(
        "return len(nodes & voters) > len(voters) // 2",
        "return len(nodes & voters) >= len(voters) // 2",
    ),
    "half of the voters commit": in_rules(
        "return numbers[len(voters) // 2]", "return numbers[(len(voters) - 1) // 2]"
    ),
    "a vote is given to everyone": in_rules(
        "    if node.voted_for not in (None, call.sender):\n        return Effect(node)\n", ""
    ),
    "a vote is not saved": in_rules("        owed = (v.SaveVotedFor(call.sender),)\n", ""),
    "a commit index is taken as it comes": in_rules(
        "commit_index=max(node.commit_index, min(call.commit_index, verified))",
        "commit_index=min(call.commit_index, verified)",
    ),
    "a removed leader goes on": in_rules(
        "    if node.id not in node.config.voters:\n        return Effect("
        "node._replace(role=v.Follower()), (v.SetElectionTimeout(),))\n",
        "",
    ),
    "a joint configuration stays": in_rules(
        "    if node.config.is_joint:\n        return append_config(",
        "    if False:\n        return append_config(",
    ),
    "a write is forgotten": in_rules(
        "owed = (v.AppendLogEntries(log.position(agreed), missing),)", "owed = ()"
    ),
    "anyone campaigns": in_rules("    if not may_campaign(node):  #", "    if False:  #"),
    "a term is taken over and not saved": in_rules(
        "= (v.SaveCurrentTerm(term), v.SaveVotedFor(None))\n", "= (v.SaveVotedFor(None),)\n"
    ),
}
MUTATED: dict[str, Callable[[], Rule]] = {
    **{decision.name: partial(as_in_crate, decision) for decision in DECISIONS},
    **{name: partial(patched_rule, patch) for name, patch in BROKEN.items()},
}


def compared(change: Change) -> list[properties.Violation]:
    """What a step breaks, in both ways."""
    broken, quick = list(properties.violations(change)), checking.check_change(change)
    assert quick in broken if broken else quick is None, (broken, quick)
    return broken


def first_broken(of: Rule, episodes: Iterable[int]) -> list[properties.Violation]:
    """Random schedules in both ways, up to the first step that breaks anything; what it breaks."""
    for episode in episodes:
        schedule = Schedule(0, episode)
        cluster = new_cluster(schedule.profile.nodes)
        for _ in range(min(schedule.profile.length, 300)):
            change = apply(cluster, schedule.next(cluster), of)
            cluster = change.after
            if change.turn is not None:
                assert checking.seen_in(change.turn) == witnesses.seen_in(change.turn)
            if broken := compared(change):
                return broken
    return []


def test_nothing_is_lost_by_asking_of_what_was_touched_alone() -> None:
    assert first_broken(step, range(12)) == []


@pytest.mark.parametrize("name", MUTATED)
def test_nor_where_a_rule_is_broken(name: str) -> None:
    """Some break nothing in runs this short: they are compared in fewer."""
    broken = first_broken(MUTATED[name](), range(80 if name in BROKEN else 20))
    assert broken or name not in BROKEN


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_nor_of_a_step_made_by_hand(example: Example) -> None:
    assert {one.property for one in compared(example.change)} == {example.name}


def test_a_property_that_is_said_to_read_too_little_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = patched_rule(BROKEN["a commit index is taken as it comes"])
    alone = next(
        [episode]
        for episode in range(25)
        if [one.property for one in first_broken(broken, [episode])] == ["CommitMonotonic"]
    )
    blind = {one.holds: checking.VOTE for one in properties.CHANGE}
    monkeypatch.setattr(checking, "READS", checking.READS | blind)
    monkeypatch.setattr(checking, "OF_CHANGE", checking.by_touched(properties.CHANGE))
    with pytest.raises(AssertionError, match="CommitMonotonic"):
        first_broken(broken, alone)


def test_a_property_that_is_said_to_read_other_history_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With leaders alone changed it would not be asked."""
    (example,) = [one for one in EXAMPLES if one.name == "VoteOncePerTerm"]
    monkeypatch.setattr(checking, "OF_HISTORY", {always.vote_once_per_term: ("leaders",)})
    with pytest.raises(AssertionError, match="VoteOncePerTerm"):
        compared(example.change)


def test_a_witness_that_is_said_to_touch_something_else_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "SHOWS", {witnesses.leader_deposed: checking.COMMIT})
    monkeypatch.setattr(checking, "AT", checking.by_kind())
    with pytest.raises(AssertionError, match=r"\[\] == \['\w+"):
        first_broken(step, range(12))
