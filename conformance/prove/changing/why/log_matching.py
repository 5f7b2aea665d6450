"""A log is that of the leader of its last entry's term, as far as it goes (Log Matching, §5.3)."""

from __future__ import annotations

from typing import Any

from conformance.prove.changing.statements.script import Script, for_all
from conformance.prove.changing.why.facts import AT, K, along
from conformance.prove.changing.why.fork import Side
from conformance.prove.statements.lemma import Int, LogOf
from conformance.prove.statements.logic import both, choose, implies
from conformance.prove.statements.views import TERM_OF


def is_leaders(s: Script, log: LogOf, side: Side, founded: Int, using: str) -> None:
    """A log is up to `side.last` what this side is.  Any leader has the founding entry: if there is
    no other one, that of the term `founded` is as good as another.
    """
    v, y, n = s.before, side.last, side.name
    ends = TERM_OF(log(y))
    s.given("mine", side.term == choose(ends == 0, founded, ends))
    mention = [log(y), log(1), v.lead(founded)]
    s.step(
        f"log{n}",
        both(side.is_log(), ends >= 0, implies(ends == 0, y == 1)),
        f"{using} mine",
        mention,
    )

    def same(k: Int) -> Any:
        return implies(both(k >= 1, k <= y), log(k) == side.log(k))

    s.step(
        "is_leaders",
        same(K),
        f"{using} mine log{n}",
        [*mention, log(K)],
        [for_all(same, lambda k: [log(k), side.log(k)], K)],
    )


def own_is_leaders(s: Script, side: Side, founded: Int, known: str) -> None:
    """The acting server's own log is so, and has its configurations where the leader's has them."""
    v, own, log = s.before, s.before.actor.log, side.log
    is_leaders(
        s, own, side, founded, f"{known} Candidate Elected LogFromLeader LogTerms TermLogEnds"
    )
    at, joint = side.in_force, side.joint
    s.step(
        "own_config",
        both(
            v.last_config(own, side.last) == at,
            v.last_joint(own, side.last) == joint,
            own(at) == log(at),
            implies(joint >= 1, own(joint) == log(joint)),
        ),
        f"mine log{side.name} is_leaders Marks",
        [at, joint, own(at), own(joint), own(1), log(1)],
    )


def prove_along(s: Script) -> None:
    v, own = s.before, s.before.actor.log
    of, before = TERM_OF(own(AT)), TERM_OF(own(AT - 1))
    at, joint = v.last_config(own, AT), v.last_joint(own, AT)
    earlier, earlier_joint = v.last_config(own, AT - 1), v.last_joint(own, AT - 1)
    mentions = [
        *[own(AT), own(K), own(at), own(joint), v.tlog(of, AT), v.tlog(of, K), v.lc(of, AT)],
        *[v.tlog(of, at), v.tlog(of, joint), v.lead(of)],
    ]
    for name, using in (
        ("own_marks", "Marks LogTerms LogFromLeader"),
        ("own_are_last", "MarksAreLast LogTerms LogFromLeader"),
        ("own_in_force", "InForce Marks LogTerms LogFromLeader own_marks"),
    ):
        holds, _, over = along(v)[name]
        s.step(name, holds(*over), using, mentions)
    mentions += [
        *[own(AT - 1), own(earlier), own(earlier_joint), v.lc(of, AT - 1), v.tlog(of, AT - 1)],
        *[v.tlog(of, earlier), v.tlog(of, earlier_joint), v.lc(before, AT - 1)],
    ]
    s.step(
        "same_marks",
        implies(
            both(AT >= 2, v.actor.last >= AT),
            both(v.lc(of, AT - 1) == earlier, v.lj(of, AT - 1) == earlier_joint, of >= 1),
        ),
        "MarksAgree LogTerms LogFromLeader",
        mentions,
    )
    holds, _, over = along(v)["own_rule"]
    s.step("own_rule", holds(*over), "same_marks ConfigRule Marks LogTerms LogFromLeader", mentions)
