"""What the properties go by is what the rules go by, written twice."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

from spec import quorums, rules
from spec import values as v
from tests.support.scenario import log_of


def subsets(of: int) -> list[frozenset[v.NodeId]]:
    return [frozenset(some) for size in range(of + 1) for some in combinations(range(of), size)]


def test_both_know_the_same_quorums() -> None:
    seen = set()
    for voters, new_voters, nodes in product(subsets(5), subsets(4), subsets(5)):
        config = v.Config(voters, new_voters)
        found = quorums.is_quorum(config, nodes)
        assert found == rules.has_quorum(config, nodes), (config, nodes)
        seen.add((config.is_joint, found))
    assert len(seen) == 4


def test_a_quorum_is_more_than_half_of_the_old_and_of_the_new_voters() -> None:
    four = v.Config(frozenset({0, 1, 2, 3}))
    joint = v.Config(frozenset({0, 1, 2}), frozenset({3, 4}))
    assert not quorums.is_quorum(v.Config(), frozenset({0}))
    assert not quorums.is_quorum(four, frozenset({0, 1, 5, 6}))
    assert quorums.is_quorum(four, frozenset({0, 1, 2}))
    assert not quorums.is_quorum(joint, frozenset({0, 1, 2, 3}))
    assert quorums.is_quorum(joint, frozenset({0, 1, 3, 4}))


def test_both_confirm_the_same_and_take_the_same_reads() -> None:
    random, reads = Random(1), 0
    for _ in range(3000):
        voters, new_voters = (
            frozenset(random.sample(range(7), random.randint(1, 7))) for _ in "12"
        )
        config = v.Config(voters, random.choice([new_voters, frozenset()]))
        peers = config.members - {3}
        answered = [v.Progress(peer, answered=random.randrange(9)) for peer in peers]
        log = log_of(1, 1, 2, config=config)
        commit_index = random.randint(log.snapshot_position.index, log.last_index)
        node = v.Node(3, v.Leader(tuple(answered)), 2, 3, log, commit_index, random.randrange(9))
        assert quorums.confirmed_by_quorum(node) == rules.confirmed(node)
        read = quorums.read_taken_now(node)
        assert read == rules.read_index(node)
        reads += read is not None
    assert 0 < reads < 3000


def test_no_follower_takes_a_read() -> None:
    assert quorums.read_taken_now(v.Node(0)) is rules.read_index(v.Node(0)) is None
