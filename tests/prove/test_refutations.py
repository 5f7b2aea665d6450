"""Wrong rules are refuted by concrete states that replay; the right one has a state for each kind.

What z3 cannot prove is not yet wrong: here every rule that the induction fails on gets a state too.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
import z3

from conformance.audit.decisions import D1, D3, as_in_crate
from conformance.explore.states.bounds import Bounds
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.history.holding import broken
from conformance.prove.induction import drains
from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.cases import KINDS, cases
from conformance.prove.induction.events import Happening, Step, any_vote
from conformance.prove.induction.messages import reads
from conformance.prove.induction.prover import Prover
from conformance.prove.induction.theory import Theory
from conformance.prove.induction.unread import Head
from conformance.prove.reachable import from_empty, told
from conformance.prove.runner.obligation import Counterexample
from conformance.prove.scope.models import Search, counterexample, scope_of, witness
from conformance.prove.scope.read_model import Model
from conformance.prove.statements.messages import claim_of
from conformance.prove.statements.views import SENDER
from conformance.subjects.patched import Patch, patched_rule
from spec import rules
from spec.cluster import Member
from spec.pending import Pending
from spec.values import AppendEntriesReply, AppendLogEntries, Position, SendMessage
from tests.prove.shared import (
    COUNTS_EARLIER_ANSWERS,
    READS_AT_ONCE,
    WithLittleWork,
    fact_of,
    patch,
    step_of,
    take_in_order,
)


class Bug(NamedTuple):
    """In which step of a cluster of some size a bug shows."""

    patches: tuple[Patch, ...]
    kind: str
    shape: str
    entries: int = 0
    size: int = 3

    @property
    def step(self) -> Step:
        return step_of(self.kind, self.shape, self.entries, self.size)


ONE = "of a leader, founded + 1"
BUGS = {
    "votes compare indices only (D1)": Bug(D1.in_spec, "vote call", "vote none"),
    "votes twice": Bug(
        patch(
            "    if node.voted_for not in (None, call.sender):\n        return Effect(node)\n", ""
        ),
        "vote call",
        "vote another",
    ),
    "forgets its vote in a crash": Bug(
        patch("        voted_for=disk.voted_for,\n", ""), "crash", "snapshot"
    ),
    "a vote is told and not saved": Bug(
        IN_BOTH["vote-not-persisted"].in_spec, "vote call", "vote none"
    ),
    "a stale vote counts": Bug(
        patch(
            "            reply.vote_granted and reply.term == node.current_term\n",
            "            reply.vote_granted\n",
        ),
        "vote reply",
        "snapshot, has [0]",
    ),
    "commits an earlier term": Bug(IN_BOTH["earlier-term-commit"].in_spec, "end of drain", ONE, 1),
    "commits without the min": Bug(
        IN_BOTH["commit-past-verified"].in_spec,
        "append call",
        "snapshot + 1, a call of snapshot",
        1,
    ),
    "a stale call truncates": Bug(
        IN_BOTH["truncation-on-stale-append"].in_spec,
        "append call",
        "snapshot + 1, a call of snapshot",
        1,
    ),
    "a call that begins in the compacted prefix agrees with all of the log": Bug(
        patch(
            "        prev, entries = log.snapshot_position, entries[covered:]\n",
            "        agreed = max(node.commit_index, min(call.commit_index, log.last_index))\n"
            "        return Effect(node._replace(commit_index=agreed))\n",
        ),
        "append call",
        "snapshot + 1, a call of snapshot",
        1,
    ),
    "a call leaves an entry out": Bug(
        patch("log.after(after)[: node.limits.entries]", "log.after(after)[1:]"),
        "call to one",
        "snapshot + 2, 2 a call, was sent some",
        2,
    ),
    "a vote is asked for as if the log were longer": Bug(
        patch(
            "last_position = node.log.last_position\n    return v.RequestVoteCall",
            "last_position = v.Position(node.log.last_position.term, node.log.last_index + 1)\n"
            "    return v.RequestVoteCall",
        ),
        "call to all",
        "of a candidate",
    ),
    "three of five are one too few: two elect": Bug(
        patch(
            "return len(nodes & voters) > len(voters) // 2",
            "return len(nodes & voters) >= len(voters) // 2",
        ),
        "vote reply",
        "snapshot, has [0]",
        0,
        5,
    ),
    "two of three are one too few: one commits": Bug(
        patch("return numbers[len(voters) // 2]", "return numbers[len(voters) // 2 - 1]"),
        "end of drain",
        ONE,
        1,
    ),
    "a call of an earlier term is answered with its number": Bug(
        patch(
            "    seqno = call.seqno if call.term == node.current_term else 0\n",
            "    seqno = call.seqno\n",
        ),
        "append call",
        "snapshot, a call of snapshot",
    ),
    "an answer of an earlier term counts": Bug(
        COUNTS_EARLIER_ANSWERS,
        "append reply",
        "snapshot, accepted",
    ),
    "a read has the number of a call that was made before": Bug(
        patch(
            "return v.ReadIndex(node.current_term, node.seqno + 1, node.commit_index)",
            "return v.ReadIndex(node.current_term, node.seqno, node.commit_index)",
        ),
        "read",
        "of a leader, snapshot",
    ),
    "a read is taken before an entry of the term is committed": Bug(
        READS_AT_ONCE,
        "read",
        "of a leader, snapshot + 2",
        2,
    ),
}


# Wrong rules


def is_open(theory: Theory, step: Step, found: Counterexample) -> bool:
    """Whether z3 leaves unproved what a state breaks."""
    return bool(WithLittleWork(theory, fact_of(found.what.split(":")[0])).check(step).open)


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_that_is_not_proved_is_refuted_by_a_state_that_replays(name: str) -> None:
    bug = BUGS[name]
    wrong = patched_rule(*bug.patches)
    found = counterexample(bug.size, wrong, bug.step)
    assert found is not None
    assert found.replays
    assert is_open(Theory(bug.size, wrong), bug.step, found)
    assert found.turn.before.node.id == 0
    assert found.others


STEPS = dict.fromkeys(bug._replace(patches=()) for bug in BUGS.values())


@pytest.mark.parametrize("right", STEPS, ids=[f"{one.kind}, {one.shape}" for one in STEPS])
def test_the_right_rule_is_not_refuted_there(right: Bug) -> None:
    assert Prover(Theory(right.size)).check(right.step).open == []
    assert counterexample(right.size, rules.step, right.step) is None


def test_a_state_breaks_what_is_said_of_it() -> None:
    """And is what Figure 8 tells of: the entry that is counted is of an earlier term."""
    bug = BUGS["commits an earlier term"]
    found = counterexample(3, patched_rule(*bug.patches), bug.step)
    assert found is not None
    before, after = found.turn.before.node, found.turn.after.node
    assert found.what.startswith("CountedIsChosen: ")
    assert after.commit_index > before.commit_index
    assert after.log.term(after.commit_index) < after.current_term


def reply_with_a_write(actor: Actor) -> Happening:
    """A server owes a write and a reply that reports it, and executes what is first."""
    member = actor.node("any", Window("snapshot", 1), any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=True)
    first = member.log.snapshot_position
    actor.given(synced=actor.paths.term(first.index))
    last = Position(actor.number("owed_term"), actor.number("owed_index"))
    reply = AppendEntriesReply(0, member.current_term, actor.number("mseqno"), last)
    disk = drains.saved(actor, member)
    kept = member.log.truncated(first.index)
    actor.is_log(kept, actor.was.disk_log)
    disk = disk._replace(log=kept._replace(entries=Head(kept.entries)))
    owed = Pending(
        append=AppendLogEntries(first, member.log.entries), sends=(SendMessage(SENDER, reply),)
    )
    known = claim_of(reads(actor), reply, SENDER)
    return drains.one_action(actor, Member(member, owed, disk), known)


def test_a_reply_before_the_write_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("reply", "a reply that is owed with the write", reply_with_a_write)
    assert counterexample(3, rules.step, step) is None
    take_in_order(monkeypatch, "sends")
    found = counterexample(3, rules.step, step)
    assert found is not None
    assert found.replays
    assert is_open(Theory(3), step, found)


def test_a_check_that_the_lemmas_make_needless_is_not_missed() -> None:
    """What a snapshot covers is committed, so no leader's log contradicts it."""
    without = patched_rule(
        *patch(
            "entries[covered - 1].term != log.snapshot_position.term:",
            "entries[covered - 1].term < 0:",
        )
    )
    assert (
        counterexample(3, without, step_of("append call", "snapshot, a call of snapshot")) is None
    )


# From an empty cluster


def test_a_removed_leader_that_forgets_its_vote_takes_a_change_of_membership() -> None:
    """D3 changes nothing while the membership is fixed; where it is not, a run shows it."""
    wrong = as_in_crate(D3)
    for kind, shape in (("end of drain", ONE), ("append reply", "founded + 1, accepted")):
        assert counterexample(3, wrong, step_of(kind, shape, 1)) is None
    changes = Bounds(nodes=3, voters=2, terms=2, log=5, in_flight=1, proposals=0, changes=1)
    run = from_empty(wrong, within=(changes,))
    assert run is not None
    assert run.steps > 0


def test_it_is_said_whether_there_is_a_run_from_an_empty_cluster() -> None:
    bug = BUGS["forgets its vote in a crash"]
    wrong = patched_rule(*bug.patches)
    found = counterexample(3, wrong, bug.step)
    assert found is not None
    bounds = Bounds(terms=2, log=3, in_flight=1, crashes=1, proposals=0)
    assert from_empty(rules.step, within=(bounds,)) is None
    assert "may be unreachable" in told(None)
    run = from_empty(wrong, within=(bounds,))
    assert run is not None
    assert "from an empty cluster breaks" in told(run)
    assert from_empty(wrong, seconds=0) is None


# No proof is about nothing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_states_that_satisfy_the_lemmas(kind: str) -> None:
    counts = [witness(3, rules.step, step) for step in cases(kind, 3, 0)]
    assert sum(live for _, live in counts) > 0
    assert all(live <= paths for paths, live in counts)


def test_a_contradiction_leaves_no_path_alive() -> None:
    step = step_of("vote call", "vote none")
    paths, live = witness(3, rules.step, step)
    assert live == paths > 1
    scope = scope_of(3)
    leads = scope.before.server(0).leads
    lost = Search(scope, rules.step, step, (leads, scope.before.server(0).term == 0))
    assert lost.witness() == (paths, 0)
    assert witness(3, rules.step, step) == (paths, live)


def test_states_of_the_scope_satisfy_the_lemmas_as_they_are() -> None:
    """What the tables say, `holding.broken` says of the servers made of them."""
    scope, seen = scope_of(3), 0
    for kind, shape in (
        ("vote call", "vote none"),
        ("append reply", "snapshot, refused, catches up"),
        ("crash", "empty"),
    ):
        search = Search(scope, rules.step, step_of(kind, shape))
        with scope.only(*search.known()):
            for path in search.ways():
                found = search.live(path)
                if found is None:
                    continue
                assert path.result is not None
                model = Model(scope.ground, found, search.actor)
                state = model.state(path.result.turn.event, search.happening.known)
                assert broken(state.cluster, state.variables) == []
                ran = search.replayed(model, state, path.result)
                assert ran.turn.outcome == path.result.turn.outcome
                seen += 1
    assert seen > 10


def test_the_scope_forgets_a_step() -> None:
    scope = scope_of(3)
    with scope.only(scope.before.server(0).term == 3, scope.before.server(0).term == 2):
        assert scope.found() is None
    with scope.only(z3.Int("another") == 0, scope.before.server(1).leads):
        assert scope.found() is not None
