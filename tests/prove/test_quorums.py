"""The rules about quorums of every size: what is proved, on plain sets too, and bugs that show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import pytest

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.changing.history import majority
from conformance.prove.quorums.obligations import obligations
from conformance.prove.runner.obligation import Result, Subjects
from conformance.subjects.patched import Patch, patched_library, patched_rule
from spec import rules
from spec.values import Config, Leader, Node, NodeId, Position, Progress, new_log
from tests.prove.shared import patch

Nodes = frozenset[NodeId]


def proved_of(*starts: str, subjects: Subjects | None = None) -> list[Result]:
    """The obligations whose names begin like this, and all without any."""
    return [
        one.prove(Subjects() if subjects is None else subjects)
        for one in obligations("quick")
        if one.name.startswith(tuple(f"quorums/{start}" for start in starts) or "quorums/")
    ]


def test_all_of_them_are_proved_and_none_of_nothing() -> None:
    results = proved_of()
    assert {result.result for result in results} == {"proved", "witnessed"}
    assert all(0 < result.live < result.paths for result in results)


# On plain sets


def subsets(size: int) -> list[Nodes]:
    nodes = range(size)
    return [frozenset(some) for count in range(size + 1) for some in combinations(nodes, count)]


def configurations(size: int) -> Iterator[Config]:
    for old, new in product(subsets(size)[1:], subsets(size)):
        yield Config(old, new)


def is_quorum(config: Config, of: Nodes) -> bool:
    """As the lemmas of a changing membership have it."""
    parts = [config.voters, *([config.new_voters] if config.is_joint else [])]
    return all(majority(part, of.__contains__) for part in parts)


def test_a_quorum_is_what_the_lemmas_take_for_one() -> None:
    for config, of in product(configurations(4), subsets(4)):
        assert rules.has_quorum(config, of) is is_quorum(config, of)


def test_quorums_of_neighbouring_configurations_overlap() -> None:
    quorums = {
        config: [of for of in subsets(4) if is_quorum(config, of)] for config in configurations(4)
    }
    for config, of_it in quorums.items():
        others = [config, Config(config.voters), *([Config(config.new_voters)] * config.is_joint)]
        for other in others:
            assert all(one & two for one, two in product(of_it, quorums[other]))


def test_what_is_counted_is_the_largest_that_a_quorum_holds() -> None:
    """The rules only compare indices, so all orders of them are all that there is."""
    size = 3
    for config, held in product(configurations(size), product(range(size), repeat=size)):
        peers = [Progress(m, held[m], answered=held[m]) for m in range(1, size)]
        role = Leader(tuple([peer for peer in peers if peer.node in config.members]), held[0])
        node = Node(0, role, 1, None, new_log(Position(1, size), config), seqno=held[0] - 1)
        best = max(
            index
            for index in range(size)
            if not index or is_quorum(config, frozenset(m for m in range(size) if held[m] >= index))
        )
        assert rules.quorum_index(node) == best
        assert rules.confirmed(node) == best


# Bugs


UNION = IN_BOTH["joint-quorum-over-union"].in_spec
LARGE = patch(
    "return len(nodes & voters) > len(voters) // 2",
    "return len(nodes & voters) > len(voters) // 2 - (len(voters) >= 8)",
)
IN_SPEC: dict[str, tuple[tuple[str, ...], tuple[Patch, ...]]] = {
    "a majority is one too small from eight voters on": (("overlap/voters", "majority/"), LARGE),
    "a joint quorum is a majority of the union": (("majority/joint", "overlap/joint and"), UNION),
    "a joint quorum is counted over the union": (("index/joint",), UNION[1:]),
    "the new voters have no say": (
        ("overlap/joint and new",),
        patch(" and (not config.is_joint or majority(config.new_voters))", ""),
    ),
    "half of the voters are a quorum": (
        ("overlap/voters",),
        patch("> len(voters) // 2", ">= len(voters) // 2"),
    ),
    "exactly so many are a quorum": (
        ("more/",),
        patch("> len(voters) // 2", "== len(voters) // 2 + 1"),
    ),
    "a quorum index one too high": (
        ("index/", "answers/"),
        patch("numbers[len(voters) // 2]", "numbers[(len(voters) - 1) // 2]"),
    ),
    "a quorum index too low": (
        ("index/", "answers/"),
        patch("numbers[len(voters) // 2]", "numbers[-1]"),
    ),
    "a quorum index too high from nine voters on": (
        ("index/", "answers/"),
        patch("numbers[len(voters) // 2]", "numbers[len(voters) // 2 - (len(voters) > 8)]"),
    ),
    "the higher of the two counts": (
        ("index/joint", "answers/joint"),
        patch(
            "return min(by_majority(config.voters), by_majority(config.new_voters))",
            "return max(by_majority(config.voters), by_majority(config.new_voters))",
        ),
    ),
    "a leader without a vote counts itself": (
        ("index/",),
        patch("if member in voters)", "if member in voters or member == held[-1][0])"),
    ),
    "of its own calls a leader answers none": (
        ("answers/",),
        patch("[*answered, (node.id, node.seqno + 1)]", "answered"),
    ),
}
IN_LIBRARY: dict[str, tuple[str, Patch]] = {
    "a majority is one too small from eight voters on": (
        "library/majority/",
        Patch(
            "config",
            "return len(voters & nodes) > len(voters) // 2",
            "return len(voters & nodes) > len(voters) // 2 - (len(voters) >= 8)",
        ),
    ),
    "the middle is one too low from eight voters on": (
        "library/index/voters",
        Patch(
            "quorum",
            "index = held[(len(held) - 1) // 2]",
            "index = held[len(held) // 2 if len(held) >= 8 else (len(held) - 1) // 2]",
        ),
    ),
    "what a member held stays": (
        "library/index/voters",
        Patch("quorum", "            del held[bisect_left(held, before)]\n", ""),
    ),
    "of the new voters what they held stays": (
        "library/index/joint",
        Patch("quorum", "            insort(new_held, now)\n", "            pass\n"),
    ),
    "answers of half the voters are enough": (
        "library/answers/",
        Patch(
            "quorum",
            "return sorted(answered)[(len(answered) - 1) // 2]",
            "return sorted(answered)[len(answered) // 2]",
        ),
    ),
}


@pytest.mark.parametrize("bug", IN_SPEC)
def test_a_bug_of_the_specification_is_refuted(bug: str) -> None:
    starts, patches = IN_SPEC[bug]
    subjects = Subjects(rule=patched_rule(*patches))
    for start in starts:
        refuted = [one for one in proved_of(start, subjects=subjects) if one.result == "refuted"]
        assert refuted
        assert all(one.detail for one in refuted)


@pytest.mark.parametrize("bug", IN_LIBRARY)
def test_a_bug_of_the_library_is_refuted(bug: str) -> None:
    start, bug_of = IN_LIBRARY[bug]
    with patched_library(bug_of) as library:
        results = proved_of(start, subjects=Subjects(library=library))
    assert "refuted" in [one.result for one in results]


def test_a_bug_of_large_clusters_in_both_alike_is_refuted() -> None:
    """To compare them does not show it, nor would any cluster of three or five."""
    _, in_library = IN_LIBRARY["a majority is one too small from eight voters on"]
    with patched_library(in_library) as library:
        subjects = Subjects(patched_rule(*LARGE), library)
        assert {one.result for one in proved_of("library/majority", subjects=subjects)} == {
            "proved"
        }
        (result,) = proved_of("overlap/voters", subjects=subjects)
    assert result.result == "refuted"
    assert sum(int(part.split()[0]) for part in result.detail.split(":")[0].split(", ")) >= 8


def test_a_table_of_majorities_is_not_proved() -> None:
    """It cannot be right for every size, nor can it be read for every size."""
    table = patch("> len(voters) // 2", "> (0, 0, 1, 1, 2, 2, 3, 3)[len(voters)]")
    for result in proved_of("majority/voters", subjects=Subjects(rule=patched_rule(*table))):
        assert result.result in ("refuted", "unknown")


@pytest.mark.parametrize(
    "count",
    [
        "sum(1 for one in nodes if one in voters)",
        "len([one for one in nodes if one in voters])",
        "len(list(nodes & voters))",
        "len({one: None for one in nodes & voters})",
    ],
)
def test_to_count_regions_for_nodes_proves_nothing(count: str) -> None:
    counts = patch("len(nodes & voters)", count)
    results = proved_of("majority/", subjects=Subjects(rule=patched_rule(*counts)))
    assert {one.result for one in results} == {"unknown"}
