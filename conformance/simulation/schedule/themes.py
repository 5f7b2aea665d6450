"""Episodes that are about something: what a mixture drawn at random seldom comes by.

A theme sets some rates of an episode's profile and leaves the others as they were drawn.  Themes
take turns by the episode's number, so that any number of workers plays the same episodes; what
they are for is counted by `simulation.coverage`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from conformance.simulation.schedule.profile import Profile
from spec import values as v

EVERY: Final = 5
"""Of as many episodes one has a theme."""

NUMBERS: Final = 200
"""Of as many episodes one is long, of three servers, and of heartbeats most of all."""


def is_long(episode: int) -> bool:
    return episode % NUMBERS == NUMBERS - 1


def with_theme(profile: Profile, episode: int) -> Profile:
    """The profile of that episode, whatever it is about."""
    if is_long(episode):
        return _numbers(profile)
    turn, rest = divmod(episode, EVERY)
    return profile if rest != EVERY - 1 else THEMES[turn % len(THEMES)](profile)


def _terms(profile: Profile) -> Profile:
    """Many short leaderships, so that calls carry entries of many terms to who was down."""
    return replace(
        profile,
        limits=v.LIMITS,
        length=600,
        timeout=0.08,
        patience=0.97,
        propose=0.02,
        batch=1,
        heartbeat=0.02,
        config=0.0,
        snapshot=0.0,
        crash=0.01,
        comeback=0.01,
        crash_in_drain=0.0,
        linger=0.0,
        lose=0.02,
        reorder=0.0,
        backlog=0,
        partition=0.01,
        step_down=0.04,
    )


def _snapshots(profile: Profile) -> Profile:
    """Leaders compact at once, and who was cut off has many entries of its own."""
    return replace(
        profile,
        limits=v.Limits(ask_again=1),
        length=600,
        timeout=0.05,
        patience=0.97,
        propose=0.1,
        batch=8,
        heartbeat=0.05,
        config=0.0,
        snapshot=0.1,
        part=0.9,
        crash=0.0,
        linger=0.1,
        lose=0.02,
        reorder=0.1,
        partition=0.02,
        step_down=0.0,
        transfer=0.0,
    )


def _joint(profile: Profile) -> Profile:
    """Changes of membership, and crashes in the midst of them."""
    return replace(
        profile,
        timeout=0.05,
        propose=0.03,
        config=0.1,
        snapshot=0.03,
        crash=0.03,
        comeback=0.2,
        crash_in_drain=0.06,
    )


def _handover(profile: Profile) -> Profile:
    """Handovers, and all that may come between."""
    return replace(profile, timeout=0.05, propose=0.1, transfer=0.1, step_down=0.02)


def _windows(profile: Profile) -> Profile:
    """Calls of few entries to followers that are far behind."""
    limits = v.Limits(entries=1, calls=2, ask_again=3, uncommitted=None)
    return replace(profile, limits=limits, propose=0.2, batch=8, lose=0.15, snapshot=0.0)


def _misuse(profile: Profile) -> Profile:
    """Inputs that have to be refused, or to be nothing."""
    return replace(profile, misuse=0.15, limits=profile.limits._replace(uncommitted=2))


def _numbers(profile: Profile) -> Profile:
    """One leader makes calls by the thousand."""
    return replace(
        profile,
        limits=v.LIMITS,
        length=4_000,
        timeout=0.01,
        patience=0.99,
        propose=0.02,
        batch=1,
        heartbeat=0.6,
        config=0.0,
        crash=0.0,
        step_down=0.0,
        transfer=0.0,
        partition=0.002,
        linger=0.0,
    )


THEMES: Final = (_terms, _snapshots, _joint, _handover, _windows, _misuse)
