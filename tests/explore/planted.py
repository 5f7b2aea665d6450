"""Rules with the bugs that claims of `eventually` are there for."""

from __future__ import annotations

from functools import cache

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.subjects.patched import in_rules, patched_rule
from spec.cluster import Rule


@cache
def timer_set_by_any_term() -> Rule:
    """Every higher term sets a follower's timer anew: who cannot win keeps others from trying."""
    return IN_BOTH["timer-set-by-higher-term"].rule()


@cache
def number_of_an_earlier_life() -> Rule:
    """A late call of a leader's earlier life is answered in its new term, with the old number; the
    leader takes every reply with a lower one for stale.
    """
    return patched_rule(
        in_rules(
            "    seqno = call.seqno if call.term == node.current_term else 0\n",
            "    seqno = call.seqno\n",
        ),
        in_rules(
            "    if progress is None:\n        return Effect(node)\n",
            "    if progress is None or reply.seqno < progress.asked:\n"
            "        return Effect(node)\n"
            "    progress = progress._replace(asked=reply.seqno)\n"
            "    node = with_progress(node, progress)\n",
        ),
    )


@cache
def transfer_never_ends() -> Rule:
    return patched_rule(
        in_rules(
            "node._replace(role=replace(node.role, transfer=None))",
            "node",
        )
    )


@cache
def every_reply_answered() -> Rule:
    """A reply that does not end where the log does is answered with all that follows it."""
    return patched_rule(
        in_rules(
            "    if progress.next is None:\n        return Effect(with_progress(node, progress))\n"
            "    following = max(progress.next, progress.match + 1)\n",
            "    following = progress.match + 1\n",
        )
    )


@cache
def snapshot_asked_by_each_refusal() -> Rule:
    return patched_rule(
        in_rules(
            "    if reply.seqno < (progress.asked if compacted else progress.probe):\n",
            "    if not compacted and reply.seqno < progress.probe:\n",
        )
    )


@cache
def window_for_a_probe() -> Rule:
    """A refusal is answered with as many calls as may be under way."""
    return patched_rule(in_rules("next=known + 1, probing=True", "next=known + 1"))


@cache
def late_refusal_ignored() -> Rule:
    """A refusal that is older than what the peer is known to hold is no news."""
    return patched_rule(
        in_rules(
            "    compacted = known < node.log.snapshot_position.index\n",
            "    compacted = known < node.log.snapshot_position.index\n"
            "    if reply.last_position.index < progress.match:\n"
            "        return Effect(node)\n",
        )
    )
