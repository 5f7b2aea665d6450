"""Recordings of a Raft whose leaders change the voters by one at a time (dissertation, §4.1).

It is the specification with another rule for proposals: what a change of one voter leads to is the
new configuration at once.  Other changes of voters are refused, and so is one that comes too early;
non-voters come and go freely.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from conformance.observe.recorded import Recorded, Recorder
from conformance.simulation.episode import first_finding
from conformance.simulation.run import Run
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.patched import in_rules, patched_rule
from spec.cluster import Rule

AS_JOINT = (
    "    if config.voters != node.config.voters:\n"
    '        return refused(node, "invalid_config", "voters change through new_voters only")\n'
)
AT_ONCE = (
    "    config = v.Config(config.new_voters or config.voters, frozenset(), config.non_voters)\n"
    "    if len(config.voters ^ node.config.voters) > 1 or not config.voters:\n"
    '        return refused(node, "invalid_config", "voters change one at a time")\n'
    "    if config.voters != node.config.voters:\n"
)
CONDITIONS: Final = {
    "OneChangeAtATime": (
        "        if node.log.config_at(node.commit_index).voters != node.config.voters:\n"
        '            return refused(node, "invalid_config", "another change is in progress")\n'
    ),
    "ChangeAfterCommitInTerm": (
        "        if node.log.term(node.commit_index) != node.current_term:\n"
        '            return refused(node, "invalid_config", "nothing is committed in this term")\n'
    ),
}
"""Of a change of voters, each with the property that it is for."""


@cache
def rule(without: str | None = None) -> Rule:
    """`without`: the property whose condition is left out."""
    kept = [text for name, text in CONDITIONS.items() if name != without]
    return patched_rule(in_rules(AS_JOINT, AT_ONCE + "".join(kept)))


@cache
def simulated(episode: int) -> list[Recorded]:
    """What a cluster of such nodes does, which no property but those of joint changes rules out.

    Most leaders live long enough to make several changes; in every other episode all sorts of
    changes are proposed, most of which are refused.
    """
    drawn = Schedule(5, episode).honest().profile
    profile = replace(
        drawn,
        nodes=max(drawn.nodes, 3),
        length=500,
        timeout=0.01,
        patience=0.99,
        config=0.15,
        transfer=0.0,
        shorten=0.0,
        propose=min(drawn.propose, 0.01),
        snapshot=min(drawn.snapshot, 0.01),
        crash=min(drawn.crash, 0.01),
        lose=min(drawn.lose, 0.01),
        partition=min(drawn.partition, 0.01),
    )
    schedule = Schedule(5, episode, profile=profile)
    if episode % 2:
        schedule = schedule.without(frozenset({"joint_changes"}))
    recorder = Recorder()
    cluster = Run(profile.nodes, rule(), recorder)
    cluster.ignored = frozenset({"ConfigChangeThroughJoint", "JointIsLeft"})
    assert first_finding(schedule, cluster) is None
    return recorder.records
