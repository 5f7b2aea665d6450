"""Random runs with the history variables of the lemmas: all faults, but one fixed membership."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import NamedTuple

from conformance.prove.history.variables import HistoryVariables, initial
from conformance.simulation.episode import changes
from conformance.simulation.schedule.profile import Profile, draw_profile
from conformance.simulation.schedule.simulate import Schedule
from spec import rules
from spec.cluster import Change, Cluster, Rule

LONG, LATE = 8, 6
"""An episode ends beyond this index or this term: later ones take time and show little else."""


class Event(NamedTuple):
    episode: int
    change: Change
    before: HistoryVariables
    variables: HistoryVariables

    @property
    def cluster(self) -> Cluster:
        return self.change.after


def profile(seed: int, episode: int, size: int) -> Profile:
    """Without changes of membership, and without messages that nobody sent.

    With more snapshots and shortened calls than usual: of both a candidate may come by its log.
    """
    drawn = draw_profile(Random(f"{seed}/{episode}/profile"), size)
    return replace(
        drawn,
        voters=size,
        length=150,
        snapshot=max(drawn.snapshot, 0.1),
        shorten=drawn.shorten or 0.2,
        config=0.0,
        retransmit=0.0,
        forge=0.0,
        propose=min(drawn.propose, 0.1),
        batch=min(drawn.batch, 3),
    )


def events(size: int, count: int, seed: int = 0, rule: Rule = rules.step) -> Iterator[Event]:
    """So many steps at least, in as many episodes as they take."""
    done = episode = 0
    while done < count:
        schedule = Schedule(seed, episode, profile=profile(seed, episode, size))
        variables = initial(size)
        for _, change in changes(schedule, rule):
            before = variables
            if change.turn is not None:
                variables = variables.after(change.turn)
            yield Event(episode, change, before, variables)
            done += 1
            if any(
                is_long(member.node.log.last_index, member.node.current_term)
                for member in change.after.members
            ):
                break
        episode += 1


def is_long(index: int, term: int) -> bool:
    return index > LONG or term > LATE
