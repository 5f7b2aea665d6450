"""Scenarios for other implementations: what a subject has to have for one.

Needs the trace format, as subjects of another process do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from conformance.network.link import Link
from conformance.network.scenario import (
    Compact,
    Down,
    Late,
    Planned,
    Policy,
    Promote,
    Remove,
    Scenario,
    Storm,
    Transfer,
)
from conformance.trace.model import Feature
from spec.values import LIMITS

QUESTIONS = "questions"
"""What the driver asks of a node, which the subject protocol does not have."""


def needed(scenario: Scenario) -> frozenset[str]:
    """The features without which a subject cannot be in it, and `QUESTIONS` if any is asked.

    A cluster in virtual time has no timers but those that its nodes ask for.
    """
    found: set[Feature] = {"timers"}
    if scenario.limits != LIMITS:
        found.add("limits")
    if scenario.voters is not None:
        found.add("changes")
    for link in (scenario.link, *scenario.links.values()):
        found |= _of_link(link)
    for planned in scenario.planned:
        found |= _of_plan(planned)
    asked = scenario.reads is not None or scenario.policy != Policy()
    asked = asked or any(
        isinstance(one, Transfer | Promote | Remove | Storm) for one in scenario.planned
    )
    return frozenset({*found, QUESTIONS}) if asked else frozenset(found)


def _of_link(link: Link) -> set[Feature]:
    found: set[Feature] = set()
    if link.doubled:
        found.add("duplicates")
    if link.jitter or link.heavy_tail or link.overtaken:
        found.add("reordering")
    return found


def _of_plan(planned: Planned) -> set[Feature]:
    match planned:
        case Down():
            return {"restarts"}
        case Compact():
            return {"snapshots"}
        case Late():
            return {"reordering"}
    return set()


def possible(
    scenarios: Iterable[Scenario], lacks: Collection[str]
) -> tuple[list[Scenario], dict[str, str]]:
    """The scenarios that such a subject can be in; and by the others' names what it lacks."""
    chosen: list[Scenario] = []
    left_out: dict[str, str] = {}
    for scenario in scenarios:
        missing = sorted(needed(scenario) & {*lacks, QUESTIONS})
        if missing:
            left_out[scenario.name] = ", ".join(missing)
        else:
            chosen.append(scenario)
    return chosen, left_out
