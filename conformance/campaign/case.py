"""Cases: one run each, and how the next ones are drawn.

A case is a run in lockstep, a scenario in virtual time, a slice of an exploration, or a hunt for a
planted bug.  Half of those in lockstep are episodes as `conformance check` draws them.  The others
vary one that was the first to come by something rare: its mixture of faults, changed a little, and
all else drawn anew.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random
from typing import Final, Literal, TypeAlias, get_args

from conformance.explore.states.bounds import PRESETS, Bounds
from conformance.mutants.planted.catalogue import CATALOGUE
from conformance.network.clock import MILLISECOND
from conformance.network.link import Link
from conformance.network.scenario import Scenario
from conformance.network.scenarios import SCENARIOS
from conformance.simulation.schedule.profile import Profile, draw_limits

Kind: TypeAlias = Literal["lockstep", "network", "explore", "mutants"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

USUAL: Final[tuple[Kind, ...]] = ("lockstep", "network")
"""What is drawn if nothing else is asked for."""

WEIGHTS: Final[dict[Kind, int]] = {"network": 1, "explore": 1, "mutants": 1, "lockstep": 15}
"""How often a kind is drawn, beside the others that are asked for: most take some times as long as
a run in lockstep.
"""

SLICED: Final[dict[str, Bounds]] = {
    f"{preset}/{name}": bounds
    for preset in ("standard", "deep")
    for name, bounds in PRESETS[preset].items()
}
"""Of which bounds slices are explored: those of which all takes minutes or hours."""

MUTANTS: Final = tuple(mutant.name for mutant in CATALOGUE)

VARIED: Final = 0.5
"""Of the cases in lockstep, how many vary an earlier one."""

RATES: Final = (
    *("timeout", "propose", "heartbeat", "config", "snapshot", "crash", "comeback"),
    *("crash_in_drain", "linger", "lose", "duplicate", "shorten", "reorder", "retransmit"),
    *("late", "forge", "partition", "step_down", "transfer", "jump", "misuse"),
)
"""Of a profile what is varied."""

NEW_RATE: Final = 0.02
"""What a rate that is 0 may become."""

MOST_STEPS: Final = 1_200


@dataclass(frozen=True, slots=True)
class Case:
    """A run.  `number`: of all cases of the campaign; the episode's too.

    `name`: of the scenario, of the bounds, or of the mutant.  `profile`: of a varied episode; None
    for what `check` draws.
    """

    number: int
    kind: Kind = "lockstep"
    name: str = ""
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What cases are drawn from.

    `seen`: how many cases came by each feature.  `first`: the profile of the first one that did.
    """

    seen: Mapping[str, int]
    first: Mapping[str, Profile]


def draw(seed: int, number: int, known: Known, kinds: tuple[Kind, ...] = USUAL) -> Case:
    """The case of that number."""
    random = Random(f"{seed}/{number}/case")
    kind = _kind(random, kinds)
    match kind:
        case "network":
            return Case(number, kind, random.choice(list(SCENARIOS)))
        case "explore":
            return Case(number, kind, _in_turn(seed, number, tuple(SLICED)))
        case "mutants":
            return Case(number, kind, _in_turn(seed, number, MUTANTS))
    if known.first and random.random() < VARIED:
        return Case(number, profile=vary(random, known.first[rare(random, known)]))
    return Case(number)


def _kind(random: Random, kinds: tuple[Kind, ...]) -> Kind:
    if len(kinds) == 1:
        return kinds[0]
    drawn = random.random() * sum(WEIGHTS[kind] for kind in kinds)
    for kind, weight in WEIGHTS.items():
        if kind in kinds:
            if drawn < weight:
                return kind
            drawn -= weight
    return kinds[-1]


def _in_turn(seed: int, number: int, names: tuple[str, ...]) -> str:
    """Each name once, in an order that is drawn, before any comes again: if all cases have one."""
    around, at = divmod(number, len(names))
    return Random(f"{seed}/{around}/names").sample(names, len(names))[at]


def rare(random: Random, known: Known) -> str:
    """A feature that has a profile; the more cases came by it, the less probable it is."""
    names = sorted(known.first)
    sums = list(accumulate(1 / (1 + known.seen.get(name, 0)) for name in names))
    return names[min(bisect_left(sums, random.random() * sums[-1]), len(names) - 1)]


def vary(random: Random, profile: Profile) -> Profile:
    """Up to three rates changed, up to threefold; now and then longer, or with other limits."""
    changed: dict[str, object] = {}
    for name in random.sample(RATES, random.randint(1, 3)):
        rate = getattr(profile, name)
        if rate:
            rate *= math.exp(random.uniform(-1.1, 1.1))
        else:
            rate = random.uniform(0.0, NEW_RATE)
        changed[name] = round(min(rate, 0.9), 6)
    if random.random() < 0.25:
        changed["length"] = min(2 * profile.length, MOST_STEPS)
    if random.random() < 0.1:
        changed["limits"] = draw_limits(random)
    return replace(profile, **changed)  # type: ignore[arg-type]


def scenario_of(case: Case, seed: int) -> Scenario:
    """The scenario of the case, with links, disks and drains that are drawn.

    Without its bounds, which its figures keep as it was written: what Raft rules out is judged.
    """
    random, scenario = Random(f"{seed}/{case.number}/scenario"), SCENARIOS[case.name]
    link = Link(
        delay=random.choice((1, 5, 10, 25)) * MILLISECOND,
        jitter=random.choice((0, 0, 5, 20)) * MILLISECOND,
        heavy_tail=random.random() < 0.2,
        loss=random.choice((0, 0, 10, 100, 300)),
        doubled=random.choice((0, 0, 50)),
        overtaken=random.choice((0, 0, 50)),
    )
    return replace(
        scenario,
        link=link,
        fsync=random.choice((0, 0, 1, 5)) * MILLISECOND,
        drain=random.choice((0, 0, 3)) * MILLISECOND,
        bounds=(),
        runs=1,
    )
