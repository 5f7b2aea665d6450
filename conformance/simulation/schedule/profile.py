"""An episode's mixture of faults, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from spec import values as v


@dataclass(frozen=True, slots=True)
class Profile:
    """One episode's mixture; rates are probabilities per step unless said otherwise."""

    nodes: int
    voters: int
    length: int
    """Steps in the episode."""
    timeout: float
    patience: float
    """Of the timeouts during an election, how many do not fire."""
    propose: float
    batch: int
    """The most commands proposed before a drain."""
    heartbeat: float
    config: float
    snapshot: float
    crash: float
    comeback: float
    crash_in_drain: float
    """Of the drains, how many a crash cuts short."""
    linger: float
    """Of the inputs, how many are not drained at once."""
    lose: float
    """Of the deliveries, how many are losses instead."""
    duplicate: float
    shorten: float
    reorder: float
    """Of the deliveries, how many are not of the oldest content."""
    retransmit: float
    """A call that a leader might send, with any part of its log."""
    late: float
    """A call comes once more, when its receiver is in a later term and its sender leads again."""
    forge: float
    """A message that no leader can send, since it contradicts what is committed."""
    backlog: int
    """How many contents the network holds back, to deliver them long after later ones."""
    partition: float
    """How often the network falls into two parts, or becomes whole again."""
    step_down: float
    transfer: float
    """A leader begins to hand over, or ends that, or its target is told to campaign."""
    limits: v.Limits = v.LIMITS
    part: float = 0.3
    """Of the snapshots, how many cover only a part of what is committed."""
    jump: float = 0.0
    """A server that fell out asks for a vote in a far later term, and is denied it."""
    misuse: float = 0.0
    """Any node is handed any input of its user's, which most often has to be refused."""


def draw_profile(random: Random, nodes: int | None, aside: Random | None = None) -> Profile:
    """`aside`: draws what came later, so that schedules without it are what they were."""

    def often(share: float, low: float, high: float, draw: Random = random) -> float:
        """Present in this share of the episodes, with a rate within these bounds."""
        return draw.uniform(low, high) if draw.random() < share else 0.0

    later = aside or random

    size = nodes or random.choice((1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7))
    config = often(0.6, 0.01, 0.08)
    voters = size if random.random() < (0.4 if config else 0.8) else random.randint(1, size)
    crash = often(0.6, 0.002, 0.03)
    return Profile(
        nodes=size,
        voters=voters,
        length=random.choice((150, 300, 300, 600)),
        timeout=random.uniform(0.005, 0.1),
        patience=random.choice((0.5, 0.9, 0.97, 0.99)),
        propose=random.choice((0.03, 0.1, 0.2, 0.4)),
        batch=random.choice((1, 1, 3, 8)),
        heartbeat=random.uniform(0.0, 0.1),
        config=config,
        snapshot=random.choice((0.0, 0.0, 0.05, 0.2, 0.5)),
        crash=crash,
        comeback=random.uniform(0.02, 0.3),
        crash_in_drain=often(0.5, 0.01, 0.08) if crash else 0.0,
        linger=often(0.5, 0.05, 0.6),
        lose=often(0.7, 0.01, 0.35),
        duplicate=often(0.6, 0.02, 0.25),
        shorten=often(0.5, 0.1, 0.7),
        reorder=often(0.7, 0.05, 0.6),
        retransmit=often(0.5, 0.01, 0.05),
        late=often(0.5, 0.02, 0.1),
        forge=often(0.4, 0.005, 0.02),
        backlog=random.choice((0, 0, 2, 5)),
        partition=often(0.7, 0.01, 0.08),
        limits=draw_limits(random),
        step_down=often(0.4, 0.002, 0.02, later),
        transfer=often(0.5, 0.01, 0.08, later),
    )


def draw_limits(random: Random) -> v.Limits:
    """Of every other episode so low that its few entries reach them."""
    if random.random() < 0.5:
        return v.LIMITS
    return v.Limits(
        entries=random.choice((1, 1, 2, 3)),
        calls=random.choice((1, 2)),
        ask_again=random.choice((1, 3, 1000)),
        uncommitted=random.choice((None, None, 3)),
    )
