"""Rules with the bugs that claims of `eventually` are there for, and rules without them."""

from __future__ import annotations

from functools import cache
from typing import Final

from conformance.subjects.patched import Patch, in_rules, patched_rule
from spec.cluster import Rule

# The two mend the rules of today.  Once those are mended, the patches plant the bugs instead.
TIMER_RUNS_ON: Final = "timer"
NUMBER_OF_THE_TERM: Final = "number"


def _mends() -> dict[str, Patch]:
    return {
        # Figure 2: a higher term is no reason for a follower to set its timer anew.
        TIMER_RUNS_ON: in_rules(
            """\
    node = node._replace(role=v.Follower(), current_term=term, voted_for=None)
    return Effect(node, (v.SaveCurrentTerm(term), v.SaveVotedFor(None), v.SetElectionTimeout()))
""",
            """\
    timer = () if isinstance(node.role, v.Follower) else (v.SetElectionTimeout(),)
    node = node._replace(role=v.Follower(), current_term=term, voted_for=None)
    return Effect(node, (v.SaveCurrentTerm(term), v.SaveVotedFor(None), *timer))
""",
        ),
        # The number of an earlier term's call says nothing in this one.
        NUMBER_OF_THE_TERM: in_rules(
            """\
    reply = v.AppendEntriesReply(node.id, node.current_term, call.seqno, node.log.last_position)
""",
            """\
    seqno = call.seqno if call.term == node.current_term else 0
    reply = v.AppendEntriesReply(node.id, node.current_term, seqno, node.log.last_position)
""",
        ),
    }


BROKEN: Final = frozenset({"ElectorHoldsOut", "SendsOnce", "InstallsOnce"})
"""Claims that the rules break today, which other tests leave out: none, once they are mended."""


@cache
def mended() -> Rule:
    return patched_rule(*_mends().values())


@cache
def timer_set_by_any_term() -> Rule:
    """Every higher term sets a follower's timer anew: who cannot win keeps others from trying."""
    return patched_rule(_mends()[NUMBER_OF_THE_TERM])


@cache
def number_of_an_earlier_life() -> Rule:
    """A late call of a leader's earlier life is answered in its new term, with the old number."""
    return patched_rule(_mends()[TIMER_RUNS_ON])
