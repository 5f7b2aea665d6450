"""The cases of a cluster of any number of voters: those of a few, but for who has voted."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from conformance.prove.any_size.actor import Votes
from conformance.prove.induction import cases as fixed
from conformance.prove.induction import drains
from conformance.prove.induction.cases import Cases, windows
from conformance.prove.induction.events import Step
from spec.values import Candidate


def vote_reply(size: int, entries: int) -> Cases:
    yield from list(fixed.vote_reply(size, entries))[:2]
    for log in windows(entries):
        granted: Any = Votes()
        yield f"{log}, has any votes", partial(fixed.reply_to_candidate, log=log, granted=granted)


def end_of_drain(size: int, entries: int) -> Cases:
    yield "of a follower", partial(drains.drain_ends, role="a follower", log=None)
    for log in windows(entries):
        granted: Any = Votes()
        ends = partial(drains.drain_ends, role=Candidate(granted), log=log)
        yield f"of a candidate, {log}, has any votes", ends
    for log in windows(entries):
        yield f"of a leader, {log}", partial(drains.drain_ends, role="leader", log=log)


KINDS: Final = {**fixed.KINDS, "vote reply": vote_reply, "end of drain": end_of_drain}


def cases(kind: str, entries: int) -> list[Step]:
    return [Step(kind, shape, prepare) for shape, prepare in KINDS[kind](3, entries)]
