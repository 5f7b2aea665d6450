"""A rule that is wrong in the specification itself and in the library alike: the properties see it.

A mutant's specification is a patched copy, beside which the properties' own modules stay right.
Here the rules are changed where they stand: whatever asks them gets the wrong answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

import pytest

from conformance.observe.finding import name_of
from conformance.simulation.check import Options, against_library, check, live
from conformance.simulation.compiled import NewRun
from conformance.subjects.patched import Patch, patched_library
from spec import cluster, rules
from spec.rules import leaders


class Wrong(NamedTuple):
    """`rule` with `old` made `new`, and the library's like it.

    `breaks`: the property that sees it alone; None where no state shows it, but answers do.
    """

    rule: Callable[..., Any]
    old: str
    new: str
    library: tuple[Patch, ...]
    breaks: str | None


IS_MAJORITY = "len(voters & nodes) > len(voters) // 2"
NEW_MAJORITY = "or majority(config.new_voters)"
LIBRARY_NEW_MAJORITY = "or _is_majority(self._new_voters, nodes)\n"
HELD, NEW_HELD = "index = held[(len(held) - 1) // 2]", "new_held[(len(new_held) - 1) // 2]"
FROM_FOUR = "len(voters) // 2 - (len(voters) > 3)"

WRONG = {
    "half elects": Wrong(
        rules.has_quorum,
        "> len(voters) // 2",
        ">= len(voters) // 2",
        (Patch("config", IS_MAJORITY, "len(voters & nodes) >= len(voters) // 2"),),
        "ElectedByQuorum",
    ),
    "half elects, from four voters on": Wrong(
        rules.has_quorum,
        "> len(voters) // 2",
        f"> {FROM_FOUR}",
        (Patch("config", IS_MAJORITY, f"len(voters & nodes) > {FROM_FOUR}"),),
        "ElectedByQuorum",
    ),
    "half of the new voters elects": Wrong(
        rules.has_quorum,
        NEW_MAJORITY,
        "or 2 * len(nodes & config.new_voters) >= len(config.new_voters)",
        (
            Patch(
                "config",
                LIBRARY_NEW_MAJORITY,
                "or 2 * len(self._new_voters & nodes) >= len(self._new_voters)\n",
            ),
        ),
        "ElectedByQuorum",
    ),
    "half commits": Wrong(
        leaders.reached,
        "numbers[len(voters) // 2]",
        "numbers[(len(voters) - 1) // 2]",
        (
            Patch("quorum", HELD, "index = held[len(held) // 2]"),
            Patch("quorum", NEW_HELD, "new_held[len(new_held) // 2]"),
            Patch("quorum", "[(len(answered) - 1) // 2]", "[len(answered) // 2]"),
        ),
        "CommittedOnQuorum",
    ),
    "one less than a majority commits, from four voters on": Wrong(
        leaders.reached,
        "numbers[len(voters) // 2]",
        "numbers[len(voters) // 2 - (len(voters) > 3)]",
        (
            Patch("quorum", HELD, "index = held[(len(held) - 1) // 2 + (len(held) > 3)]"),
            Patch("quorum", NEW_HELD, "new_held[(len(new_held) - 1) // 2 + (len(new_held) > 3)]"),
            Patch(
                "quorum",
                "[(len(answered) - 1) // 2]",
                "[(len(answered) - 1) // 2 + (len(answered) > 3)]",
            ),
        ),
        "CommittedOnQuorum",
    ),
    "half of the new voters commits": Wrong(
        leaders.reached,
        "return min(by_majority(config.voters), by_majority(config.new_voters))",
        "numbers = sorted([n for m, n in held if m in config.new_voters])\n"
        "    return min(by_majority(config.voters), numbers[len(numbers) // 2])",
        (Patch("quorum", NEW_HELD, "new_held[len(new_held) // 2]"),),
        "CommittedOnQuorum",
    ),
    "half confirms": Wrong(
        rules.confirmed,
        "return reached(node.config, [*answered, (node.id, node.seqno + 1)])",
        "numbers = dict([*answered, (node.id, node.seqno + 1)])\n"
        "    old = sorted([numbers[voter] for voter in node.config.voters])\n"
        "    new = sorted([numbers[voter] for voter in node.config.new_voters]) or old\n"
        "    return min(old[len(old) // 2], new[len(new) // 2])",
        (Patch("quorum", "[(len(answered) - 1) // 2]", "[len(answered) // 2]"),),
        None,
    ),
    "a read is confirmed by the call before it": Wrong(
        rules.is_confirmed,
        "read.seqno <= confirmed(node)",
        "read.seqno <= confirmed(node) + 1",
        (Patch("questions", "read.seqno <= self.confirmed", "read.seqno <= self.confirmed + 1"),),
        None,
    ),
    "a read is taken before an entry of the term is committed": Wrong(
        rules.read_index,
        "node.log.term(node.commit_index) != node.current_term",
        "node.commit_index == 0",
        (
            Patch(
                "questions",
                "self._log.entries._term(self._commit_index) != self._current_term",
                "self._commit_index == 0",
            ),
        ),
        None,
    ),
}


def _changed(rule: Callable[..., Any], old: str, new: str) -> CodeType:
    """The code of a rule with that text replaced, which has to occur once."""
    source = inspect.getsource(rule)
    assert source.count(old) == 1, old
    made: dict[str, Any] = {}
    text = "from __future__ import annotations\n" + source.replace(old, new)
    exec(compile(text, rule.__code__.co_filename, "exec"), made)
    code = made[rule.__name__].__code__
    assert isinstance(code, CodeType)
    return code


def _found(run: NewRun) -> str:
    found = check(Options(shrink_seconds=0, run=run)).found
    assert found is not None
    return name_of(found.finding)


@pytest.mark.parametrize("name", WRONG)
def test_it_is_found_within_twenty_thousand_events(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = WRONG[name]
    monkeypatch.setattr(wrong.rule, "__code__", _changed(wrong.rule, wrong.old, wrong.new))
    with patched_library(*wrong.library) as broken:
        assert _found(against_library(broken))
        if wrong.breaks is not None:
            assert _found(live(broken)) == wrong.breaks


def test_the_history_asks_no_rule() -> None:
    """No import contract can say so of a part of a module."""
    told = (cluster.remembered, cluster.reads_remembered, cluster._observed, cluster._told)
    for function in told:
        asked = [getattr(cluster, name, None) for name in function.__code__.co_names]
        assert rules not in asked
        assert not [one for one in asked if getattr(one, "__module__", "").startswith("spec.rules")]
