"""The lemmas on changing membership hold of what runs and searches come by, and bugs break them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from conformance.explore.bounds import PRESETS, Bounds
from conformance.patched import Patch, rule
from conformance.prove.membership import LEMMAS, broken, is_active, log_of, overlap
from conformance.prove.shapes import config
from conformance.seeded import SEEDS
from conformance.simulate import Schedule
from spec import node as rules
from spec.cluster import Cluster, Rule, apply, new_cluster
from spec.witnesses import seen_in
from tests.prove.searched import reachable

EVENTS = 15_000
BOUNDS = {
    "joining": PRESETS["quick"]["joining"],
    "leaving": Bounds(nodes=2, terms=3, log=6, in_flight=1, proposals=0, changes=1),
    "twice": Bounds(nodes=2, voters=1, terms=2, log=7, in_flight=1, proposals=0, changes=2),
    "crashes": Bounds(
        nodes=2, voters=1, terms=2, log=5, in_flight=1, proposals=0, crashes=1, changes=1
    ),
}


def clusters(of_rule: Rule, witnesses: Counter[str]) -> Iterator[tuple[int, Cluster]]:
    """The states of random runs in which membership changes, each with its episode."""
    events = 0
    for episode in count():
        schedule = Schedule(1, episode).honest()
        if not schedule.profile.config:
            continue
        cluster = new_cluster(schedule.profile.nodes)
        for _ in range(schedule.profile.length):
            change = apply(cluster, schedule.next(cluster), of_rule)
            if change.turn is not None:
                witnesses.update(seen_in(change.turn))
            if change.after.members is not cluster.members:
                yield episode, change.after
            cluster = change.after
            events += 1
        if events >= EVENTS:
            return


def test_they_hold_in_every_state_of_random_runs() -> None:
    witnesses: Counter[str] = Counter()
    disabled = several = 0
    for _, cluster in clusters(rules.step, witnesses):
        assert broken(cluster) == []
        active = [one for one in cluster.members if is_active(cluster, one)]
        configs = {log_of(one).config for one in active}
        disabled += len(active) < len(cluster.members)
        several += len(configs) > 1
    for seen in ("JointConfigCommitted", "ChangeCompleted", "ConfigRolledBack"):
        assert witnesses[seen]
    assert disabled
    assert several


@pytest.mark.parametrize("name", BOUNDS)
def test_they_hold_in_every_state_within_bounds(name: str) -> None:
    states = joint = 0
    for cluster, _ in reachable(BOUNDS[name]):
        assert broken(cluster) == []
        states += 1
        joint += any(log_of(one).config.is_joint for one in cluster.members)
    assert states > 500
    assert joint


def test_majorities_of_different_voters_need_not_overlap() -> None:
    assert overlap(config("012"), config("012"))
    assert not overlap(config("01"), config("23"))
    assert not overlap(config("012"), config("034"))
    assert overlap(config("012", "034"), config("034"))
    assert overlap(config("012"), config("012", "034"))


# Bugs


def patch(old: str, new: str = "") -> tuple[Patch, ...]:
    return (Patch("node", old, new),)


BUGS: dict[str, tuple[tuple[Patch, ...], str]] = {
    "a joint quorum is a majority of the union": (
        next(seed for seed in SEEDS if seed.name == "joint-quorum-over-union").in_spec,
        "ActiveConfigsSafeAtTerms",
    ),
    "a second change while one is in flight": (
        patch(
            "    if node.config.is_joint:\n        return refused",
            "    if False:\n        return refused",
        ),
        "ConfigsFollowEachOther",
    ),
    "a configuration is in force once it is committed": (
        patch(
            "    node = node._replace(log=node.log.appended(entries))\n"
            "    if isinstance(payload, Config):\n",
            "    log, before = node.log.appended(entries), node.log\n"
            "    if isinstance(payload, Config) and before.config.members:\n"
            "        log = log._replace(config=before.config, config_index=before.config_index)\n"
            "    node = node._replace(log=log)\n"
            "    if isinstance(payload, Config):\n",
        ),
        "JointIsCommittedBeforeItIsLeft",
    ),
    "a joint configuration is left before it is committed": (
        patch("    if index < node.log.config_index:\n        return node, ()\n"),
        "ActiveConfigsOverlap",
    ),
    "the new voters have no say in what is committed": (
        patch(
            "    if node.config.is_joint:\n        index = min",
            "    if False:\n        index = min",
        ),
        "ActiveConfigsOverlapWithCommittedEntry",
    ),
    "the new voters have no say in elections": (
        patch(" and (not config.is_joint or majority(config.new_voters))"),
        "NewerConfigsDisableCommitsInOlderTerms",
    ),
    "half of the voters are a quorum": (
        patch("> len(voters) // 2", ">= len(voters) // 2"),
        "ActiveLogsHaveWhatIsCommitted",
    ),
}


def test_every_lemma_is_broken_by_some_bug() -> None:
    assert {name for _, name in BUGS.values()} == {lemma.name for lemma in LEMMAS}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_breaks_a_lemma(bug: str) -> None:
    patches, name = BUGS[bug]
    states = clusters(rule(*patches), Counter())
    assert any(name == lemma for _, cluster in states for lemma, _ in broken(cluster))
