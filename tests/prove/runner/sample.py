"""Obligations for the tests of what runs them: on rules of the specification, and of all kinds.

A worker imports the functions below by their names.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import z3

from conformance.prove.runner.obligation import Counterexample, Level, Obligation, Result, Subjects
from conformance.prove.step.counterexample import plain
from conformance.symbolic.paths import Path, Paths
from spec import values as v
from spec.cluster import Disk, Member, Turn, take
from spec.pending import NOTHING

CLUSTER = v.Config(frozenset({0, 1, 2}))


def a_follower(paths: Paths) -> v.Node:
    """Of any term, with a log of any length that is all in its snapshot."""
    term, last, index = paths.number("term"), paths.number("last"), paths.number("index")
    paths.at_most(1, last)
    paths.at_most(last, term)
    paths.at_most(1, index)
    log = v.new_log(v.Position(last, index), CLUSTER)  # type: ignore[arg-type]
    return v.Node(0, current_term=term, log=log, commit_index=index)  # type: ignore[arg-type]


def terms_never_fall(event: Callable[[Paths], v.Event], leads: bool = False) -> Any:
    """Of the server that takes the event."""

    def prove(subjects: Subjects) -> Result:
        paths, result = Paths(limit=100), Result()
        node = a_follower(paths)
        if leads:
            node = node._replace(role=v.Leader(()))
        taken = event(paths)
        before = Member(node, NOTHING, Disk(0, None, v.EMPTY_LOG))
        for path in paths.run(lambda: take(before, taken, subjects.rule)):
            result.paths += 1
            result.live += 1
            turn = path.result
            assert turn is not None
            if path.raised is not None or falls(paths, path, turn):
                result.result = "refuted"
                found: Turn = plain(turn, path.model)
                result.found = Counterexample("its term falls", found, ("of no others",), True)
        result.queries = paths.queries
        return result

    return prove


def falls(paths: Paths, path: Path[Turn], turn: Turn) -> bool:
    """Whether the term falls for some numbers that take the path."""
    before, after = turn.before.node.current_term, turn.after.node.current_term
    lower = paths.term(after) < paths.term(before)
    return bool(z3.Solver().check(path.formula(paths), lower) == z3.sat)


def vote_call(paths: Paths) -> v.Event:
    term, index = paths.number("mterm"), paths.number("mindex")
    last = v.Position(paths.number("mlast"), index)  # type: ignore[arg-type]
    return v.Receive(v.RequestVoteCall(1, term, 1, last))  # type: ignore[arg-type]


TIMEOUT = Obligation(
    "rules/timeout/follower", {"servers": 3}, terms_never_fall(lambda _: v.ElectionTimeout())
)
PROPOSAL = Obligation(
    "rules/proposal/leader", {"servers": 3}, terms_never_fall(lambda _: v.ProposeCommand(), True)
)
VOTE = Obligation("rules/vote call/follower", {"servers": 3}, terms_never_fall(vote_call))


def on_rules(level: Level) -> list[Obligation]:
    """Those of the level quick, and one more."""
    quick = [TIMEOUT, PROPOSAL]
    return [*quick, VOTE] if level == "full" else quick


# Of all kinds


def gives(result: Result) -> Callable[[Subjects], Result]:
    return lambda _: result


def counterexample() -> Counterexample:
    before = Member(v.Node(2, current_term=5), NOTHING, Disk(5, None, v.EMPTY_LOG))
    call = v.RequestVoteCall(1, 7, 3, v.Position(4, 9))
    turn = take(before, v.Receive(call))
    return Counterexample("two leaders in term 7", turn, ("node 1 leads term 7",), replays=True)


def raises(_: Subjects) -> Result:
    raise ZeroDivisionError("one by none")


def dies(_: Subjects) -> Result:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def hangs(_: Subjects) -> Result:
    time.sleep(600)
    raise AssertionError


def prints(_: Subjects) -> Result:
    print("not an answer")
    return Result("proved", 1, 1)


def cannot_be_sent(_: Subjects) -> Result:
    found = Counterexample("unsendable", lambda: None)  # type: ignore[arg-type]
    return Result("refuted", 1, 1, found=found)


def names_its_process(_: Subjects) -> Result:
    return Result("proved", 1, 1, detail=str(os.getpid()))


def fine(name: str) -> Obligation:
    return Obligation(name, {}, gives(Result("proved", 3, 2, 5)))


def of_all_kinds(_: Level) -> list[Obligation]:
    return [
        fine("kinds/fine/one"),
        Obligation("kinds/raises", {}, raises),
        Obligation("kinds/dies", {}, dies),
        Obligation("kinds/witness", {}, gives(Result("witnessed", 1, 1, 2))),
        Obligation("kinds/prints", {}, prints),
        Obligation("kinds/gives up", {}, gives(Result("unknown", 1, 1, 1, detail="too hard"))),
        Obligation(
            "kinds/refuted/[1, 2]",
            {"log": 3},
            gives(Result("refuted", 1, 1, found=counterexample())),
        ),
        Obligation("kinds/cannot be sent", {}, cannot_be_sent),
        fine("kinds/fine/two"),
    ]


def refuted(_: Level) -> list[Obligation]:
    return [one for one in of_all_kinds("quick") if one.name.split("/")[1] in ("fine", "refuted")]


def deadly(_: Level) -> list[Obligation]:
    return [Obligation(f"deadly/{number}", {}, dies) for number in range(12)]


def endless(_: Level) -> list[Obligation]:
    return [fine("endless/fine"), *[Obligation(f"endless/{n}", {}, hangs) for n in range(3)]]


def in_processes(_: Level) -> list[Obligation]:
    return [Obligation(f"processes/{number}", {}, names_its_process) for number in range(4)]


def vacuous(_: Level) -> list[Obligation]:
    return [
        fine("some/live"),
        Obligation("some/dead", {}, gives(Result("proved", 3, 0, 5))),
        Obligation("some/dead/again", {}, gives(Result("proved", 1, 0, 1))),
        Obligation("some/half", {}, gives(Result("proved", 1, 0, 1))),
        Obligation("some/half/live", {}, gives(Result("proved", 1, 1, 1))),
    ]


def unknown(_: Level) -> list[Obligation]:
    return [one for one in of_all_kinds("quick") if "fine" in one.name or "gives up" in one.name]


def twice(_: Level) -> list[Obligation]:
    return [fine("one/name"), fine("one/name")]
