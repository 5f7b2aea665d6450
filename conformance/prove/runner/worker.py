"""What a worker does: it proves an obligation, having built the list of them itself.

An obligation is a closure, and cannot be sent; so it is sent by name.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from time import monotonic
from typing import NamedTuple, TypeAlias

import z3

from conformance.observe.failed import told
from conformance.prove.runner.calls import Calls
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects

Source: TypeAlias = Callable[[Level], Sequence[Obligation]]
"""A function of a module, that gives the obligations of a level."""


@dataclass(frozen=True, slots=True)
class Job:
    """`units`: the functions of which it is to be told whether they were called."""

    source: str
    level: Level
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    name: str
    result: Result
    called: frozenset[str] = frozenset()


def name_of(source: Source) -> str:
    name = f"{source.__module__}:{source.__qualname__}"
    if _load(name) is not source:
        raise ValueError(f"{name} is not a function that a worker could import by its name")
    return name


def _load(name: str) -> Source:
    module, _, function = name.partition(":")
    found: Source = getattr(import_module(module), function, None)  # type: ignore[assignment]
    return found


def prove(obligation: Obligation, subjects: Subjects) -> Result:
    """What comes of an obligation, whatever happens on the way."""
    started = monotonic()
    try:
        result = obligation.prove(subjects)
    except Exception as error:
        result = Result("unknown", detail=told(error))
    result.seconds = monotonic() - started
    return result


# In a worker


class _Known(NamedTuple):
    calls: Calls
    building: frozenset[str]
    """What was called to build the list."""
    obligations: dict[str, Obligation]


@cache
def _known(job: Job) -> _Known:
    """Built by the first task of a process, for all of them."""
    z3.z3.Z3_DEBUG = False  # no check of types, which takes time, and which mypy has done
    calls = Calls(job.units)
    with calls.noted() as building:
        obligations = {one.name: one for one in _load(job.source)(job.level)}
    return _Known(calls, frozenset(building), obligations)


def answer(job: Job, name: str) -> Answer:
    """What comes of the obligation of that name; it can be sent."""
    calls, building, obligations = _known(job)
    with calls.noted() as called:
        if name in obligations:
            result = prove(obligations[name], Subjects())
        else:
            result = Result("unknown", detail="a worker does not know it")
    found = Answer(name, result, building | called)
    try:
        pickle.dumps(found)
    except Exception as error:
        said = f"{result.detail} (there is more, which cannot be sent: {error})".lstrip()
        found = replace(found, result=replace(result, found=None, detail=said))
    return found
