"""Episodes for a subject that cannot do everything: what it lacks is not drawn.

The names are those of traces/FORMAT.md, "The subject protocol".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

from conformance.simulation.schedule.profile import Profile
from spec import cluster as c
from spec import values as v

RATES: Final[dict[str, tuple[str, ...]]] = {
    "restarts": ("crash", "crash_in_drain"),
    "snapshots": ("snapshot",),
    "changes": ("config",),
    "heartbeat": ("heartbeat",),
    "step_down": ("step_down",),
    "transfer": ("transfer",),
    "refusals": ("forge",),
    "large_numbers": ("jump",),
    "duplicates": ("duplicate", "late", "retransmit"),
    "reordering": ("late", "retransmit"),
    "alone": ("shorten", "misuse"),
}
"""The rates that are 0 for who lacks a feature.  "alone": who has no specification beside it.

A call that was shortened, and an input to a node that is in no position to take it, are what a user
of this library may do; that of another implementation may not.
"""


def diverging(profile: Profile) -> Profile:
    """Leaders that are cut off with entries of their own, and elections among logs that differ.

    Of a subject that nothing is compared with, what is wrong shows as late as the harm does.
    """
    return replace(
        profile,
        timeout=0.06,
        patience=0.97,
        propose=0.08,
        batch=8,
        heartbeat=0.02,
        config=0.0,
        snapshot=0.0,
        crash=0.01,
        comeback=0.1,
        lose=0.05,
        reorder=0.1,
        partition=0.08,
        step_down=0.0,
        transfer=0.0,
        limits=v.LIMITS,
    )


OF_A_USER: Final = frozenset({"snapshots", "changes", "heartbeat", "step_down", "transfer"})
"""Events among those that are drawn as misuse."""


def without(profile: Profile, lacks: frozenset[str]) -> Profile:
    """The profile, without what nobody who lacks these features can be asked for."""
    none: dict[str, Any] = {rate: 0.0 for feature in lacks for rate in RATES.get(feature, ())}
    profile = replace(profile, **none)
    if lacks & OF_A_USER:
        profile = replace(profile, misuse=0.0)
    if lacks & {"limits", "restarts"}:  # a restart sets them
        profile = replace(profile, limits=v.LIMITS)
    if "changes" in lacks:
        profile = replace(profile, voters=profile.nodes)
    return profile


def first_of_link(network: Sequence[c.Envelope], at: int) -> int:
    """What was sent earliest of all that goes from its sender to its receiver."""
    to, sender = network[at].to, network[at].content.sender
    return next(
        place
        for place, envelope in enumerate(network)
        if (envelope.to, envelope.content.sender) == (to, sender)
    )


def plain_change(random: Random, node: v.Node, nodes: int, lacks: frozenset[str]) -> c.Step | None:
    """A change of voters alone, of one where the subject knows no joint configurations."""
    config, most = node.config, 1 if "joint_changes" in lacks else 2
    toggled = random.sample(range(nodes), min(nodes, random.randint(1, most)))
    new_voters = config.voters ^ frozenset(toggled)
    if not new_voters or config.is_joint:
        return None
    return c.Input(node.id, v.ProposeConfig(v.Config(config.voters, new_voters)))
