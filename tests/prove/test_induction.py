"""The induction: what it proves, what it may leave out, and that it notices what is wrong."""

from __future__ import annotations

from functools import cache, partial
from itertools import islice, product
from types import SimpleNamespace
from typing import Any

import pytest
import z3

from conformance.audit.decisions import D1, D4, as_in_crate
from conformance.prove import fixed_membership
from conformance.prove.induction import drains
from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.cases import KINDS
from conformance.prove.induction.events import LIMITS, Happening, Ran, Step, any_vote, taking
from conformance.prove.induction.merging import MergedWrites
from conformance.prove.induction.order import InOrder
from conformance.prove.induction.prover import UNASSUMED, Prover
from conformance.prove.induction.theory import Theory
from conformance.prove.induction.two_states import broken_by
from conformance.prove.induction.unread import OneEntry, Tail, Unread, UnreadError
from conformance.prove.runner.obligation import Subjects
from conformance.prove.statements.goals import older as older_messages
from conformance.prove.statements.lemmas import LEMMAS
from conformance.prove.statements.statements import at_goals, claims_of, instances
from conformance.subjects.patched import patched_rule
from conformance.symbolic.paths import Paths
from spec import pending, rules
from spec import values as v
from spec.cluster import Member
from spec.pending import Pending
from tests.prove.runs import events
from tests.prove.shared import WithLittleWork, fact_of, open_goals, patch, step_of, take_in_order


@cache
def prover() -> Prover:
    return Prover(Theory(3))


def test_obligations_cover_every_kind() -> None:
    for level in fixed_membership.KEPT:
        names = [obligation.name for obligation in fixed_membership.obligations(level)]
        for kind in KINDS:
            assert any(name.startswith(f"induction/{kind}/") for name in names)
            assert any(name.startswith(f"step/{kind}/") for name in names)


# What is left out


def test_a_goal_that_is_left_out_is_one_that_the_step_does_not_touch() -> None:
    """Every lemma and claim that is not asked is, word for word, what it was before the step."""
    theory, left_out = Theory(3), 0
    facts: list[tuple[Any, tuple[int, ...], tuple[Any, ...]]]
    facts = [(one, chosen, ()) for one in LEMMAS for chosen in instances(one.over, 3)]
    facts += [
        (one, (), (message,)) for message in older_messages(3) for one in claims_of(message, False)
    ]
    befores = [at_goals(fact, theory.before, chosen, *of) for fact, chosen, of in facts]
    for kind, shape in (
        ("vote call", "vote none"),
        ("append call", "founded, a call of founded"),
        ("append reply", "snapshot, accepted"),
        ("save vote", "vote own"),
    ):
        paths = Paths()
        actor = theory.actor(paths, theory.before)
        happening = step_of(kind, shape).prepare(actor)
        for path in paths.run(partial(theory.consequence, actor, happening)):
            assert path.result is not None
            after = path.result.after
            for (fact, chosen, message), before in zip(facts, befores, strict=True):
                if not after.changed & theory.reads(fact, chosen, *message):
                    goal = at_goals(fact, after, chosen, *message)
                    assert same(goal, before) or follows([*actor.links, before], goal)
                    left_out += 1
    assert left_out > 100


def same(one: Any, other: Any) -> bool:
    return one is other or (z3.is_expr(one) and z3.is_expr(other) and z3.eq(one, other))


def follows(known: list[Any], formula: Any) -> bool:
    solver = z3.Solver()
    solver.add(*known, z3.Not(formula) if not isinstance(formula, bool) else not formula)
    return bool(solver.check() == z3.unsat)


def test_actions_one_at_a_time_are_the_drain_of_the_specification() -> None:
    """The proof takes a drain apart; here they are put together again, on random runs."""
    drained = actions = rest = 0
    for event in islice(events(3, 3000), 3000):
        turn = event.change.turn
        if turn is None or turn.owed is None or not turn.executed or not turn.after.up:
            continue
        member, owed = turn.before, list(turn.executed)
        while member.pending != pending.NOTHING:
            ran = drains.first_action(member)
            assert ran.turn.executed == tuple(owed[: len(ran.turn.executed)])
            del owed[: len(ran.turn.executed)]
            rest += len(ran.turn.executed) - 1
            member = ran.after
            actions += 1
        assert (owed, drains.ended(member, rules.step).after) == ([], turn.after)
        drained += 1
    assert drained > 100
    assert actions > 2 * drained
    assert rest > 5


def test_a_log_of_which_one_entry_is_read_answers_as_the_whole_one_does() -> None:
    kept = discarded = 0
    snapshot, terms = v.Position(2, 3), (2, 2, 4, 5)
    whole = v.new_log(snapshot, v.Config(), tuple([v.Entry(term, v.COMMAND) for term in terms]))
    for index, term in product(range(1, 10), range(1, 7)):
        entry = whole.entry(index) if 3 < index <= whole.last_index else v.Entry(9, v.COMMAND)
        one: Any = OneEntry(snapshot, whole.last_index, index, entry)
        position = v.Position(term, index)
        assert one.contains(position) == whole.contains(position)
        assert one.last_index == whole.last_index
        if position == snapshot:
            continue
        expected, found = whole.compacted(position, v.Config()), one.compacted(position, v.Config())
        if isinstance(found.entries, Tail):
            kept += bool(expected.entries)
            assert found.entries.last_index == expected.last_index
            assert found._replace(entries=expected.entries) == expected
        else:
            discarded += 1
            assert found == expected
        other = index + 1 if index != 2 else 9
        with pytest.raises(UnreadError):
            one.term(other)
        with pytest.raises(UnreadError):
            len(one.entries)
    assert (kept, discarded) == (3, 49)


def test_the_history_of_the_proof_is_that_of_a_run() -> None:
    """`Theory.changes` on plain turns writes what `HistoryVariables.after` does."""
    actor: Any = SimpleNamespace(
        paths=SimpleNamespace(term=lambda number: number),
        end_on_disk=lambda log: (log.last_index, log.last_position.term),
    )
    led = counted = told = acknowledged = 0
    for event in islice(events(3, 4000), 4000):
        turn, before, after = event.change.turn, event.before, event.variables
        if turn is None or turn.node != 0 or turn.after is turn.before or not turn.after.up:
            continue
        if type(turn.event).__name__ == "Restart":
            continue
        node = turn.after.node
        log = (*after.memory[0], *node.log.entries)
        server: Any = SimpleNamespace(term=node.current_term, last=len(log), log=log)
        changes = prover().theory.changes(actor, Ran(turn, turn.after), server)
        if changes.leads is None:
            assert after.leaderships == before.leaderships
        else:
            leadership = after.leadership(node.current_term)
            assert leadership is not None
            assert (leadership.leader, leadership.log) == (0, log)
            led += 1
        if changes.commit is None:
            assert after.counted == before.counted
        else:
            assert after.counted[node.commit_index] is not None
            counted += after.counted != before.counted
        if changes.told is None:
            assert after.told == before.told
        else:
            assert after.told[0][node.current_term] == changes.told
            told += 1
        if changes.acked is None:
            assert after.ack == before.ack
        else:
            acknowledged += 1
    assert min(led, counted, told, acknowledged) > 10


# What is noticed


def test_code_that_reads_what_its_shape_does_not_give_is_no_proof() -> None:
    def prepare(actor: Actor) -> Happening:
        node = actor.node("leader", None, any_vote(actor))._replace(limits=LIMITS)
        return taking(actor, node, v.ProposeCommand())

    with pytest.raises(UnreadError, match="a log"):
        prover().check(Step("propose command", "without a log", prepare))
    with pytest.raises(UnreadError):
        assert Unread("a vote") == 3


def test_an_assumption_that_does_not_follow_is_noticed() -> None:
    def prepare(actor: Actor) -> Happening:
        node = actor.node("leader", Window("snapshot", 0), any_vote(actor))
        actor.ascending(node.current_term, 7)
        return taking(actor, node._replace(limits=LIMITS), v.ProposeCommand())

    class OfNoPath(Prover):
        def check_path(self, *_: object) -> list[Any]:
            return []

    bounded, prover = Step("propose command", "up to term 7", prepare), OfNoPath(Theory(3))
    assert prover.check(bounded).unassumed
    assert prover.check_turns(bounded, broken_by)[1] == [UNASSUMED]
    assert not prover.check(step_of("propose command", "snapshot")).unassumed


def test_a_rule_of_the_crate_breaks_lemmas() -> None:
    wrong = WithLittleWork(Theory(3, as_in_crate(D1)), "OwedVoteIsInformed")
    checked = wrong.check(step_of("vote call", "vote none"))
    assert "OwedVoteIsInformed (new)" in open_goals(checked)
    wrong = WithLittleWork(Theory(3, as_in_crate(D4)), "Ranges")
    checked = wrong.check(step_of("snapshot", "a follower, founded"))
    assert "Ranges[0]" in open_goals(checked)


def test_two_writes_merged_over_a_gap_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = MergedWrites(3, Window("snapshot", 2), 1)
    assert proof.prove(Subjects()).result == "proved"

    def later_only(earlier: object, later: v.AppendLogEntries) -> v.AppendLogEntries:
        return later

    monkeypatch.setattr(pending, "merge_appends", later_only)
    assert proof.prove(Subjects()).result == "refuted"


def test_a_reply_before_the_write_breaks_a_property_of_two_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A drain that sends before it saves: the disk lacks what the reply says it has."""

    def prepare(actor: Actor) -> Happening:
        node = actor.node("any", Window("snapshot", 1), any_vote(actor))
        actor.given(owes_term=False, owes_vote=False, owes_write=True)
        first = node.log.snapshot_position
        write = v.AppendLogEntries(first, node.log.entries)
        reply = v.AppendEntriesReply(0, node.current_term, 1, node.log.last_position)
        owed = Pending(append=write, sends=(v.SendMessage(1, reply),))
        disk = drains.saved(actor, node)._replace(log=node.log.truncated(first.index))
        return drains.one_action(actor, Member(node, owed, disk))

    step = Step("reply", "a reply that is owed with the write", prepare)
    count, wrong = prover().check_turns(step, broken_by)
    assert (count > 0, wrong) == (True, [])
    take_in_order(monkeypatch, "sends")
    _, wrong = prover().check_turns(step, broken_by)
    assert wrong
    assert wrong[0].startswith("EntriesPersistedBeforeReply")


@cache
def is_in_order() -> bool:
    return InOrder(3).prove(Subjects()).result == "proved"


@pytest.mark.parametrize(
    "first", ["save_voted_for", "append", "sends", "broadcast", "save_current_term append"]
)
def test_actions_in_another_order_are_refuted(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_in_order()
    take_in_order(monkeypatch, *first.split())
    assert InOrder(3).prove(Subjects()).result == "refuted"


CALLS = {
    "an entry is left out": (
        "entries = log.after(after)[: node.limits.entries]",
        "entries = log.after(after)[1:]",
        "call to one",
        "snapshot + 2, 2 a call, was sent some",
        "AppendCallEntries (new)",
    ),
    "it follows the last entry": (
        "node.commit_index, log.position(after), entries",
        "node.commit_index, log.last_position, entries",
        "call to all",
        "of a leader, snapshot + 2, 2 a call, writes after 1",
        "AppendCall (new)",
    ),
    "all of the log is taken for committed": (
        "seqno, node.commit_index, log.position(after), entries",
        "seqno, log.last_index, log.position(after), entries",
        "call to all",
        "of a leader, snapshot + 2, 2 a call, writes after 1",
        "AppendCallCommit (new)",
    ),
    "a vote is asked for as if the log were longer": (
        "last_position = node.log.last_position\n    return v.RequestVoteCall",
        "last_position = v.Position(node.log.last_position.term, node.log.last_index + 1)\n"
        "    return v.RequestVoteCall",
        "call to all",
        "of a candidate",
        "VoteCall (new)",
    ),
    "nextIndex is one too high": (
        "following = None if end == log.last_index else end + 1",
        "following = end + 1",
        "call to one",
        "snapshot + 2, 2 a call, was sent some",
        "nextIndex[1]",
    ),
    "one that was heard from in an earlier term is owed a call": (
        "or reply.term < node.current_term or reply.seqno == 0:",
        "or reply.seqno == 0:",
        "append reply",
        "snapshot + 1, refused",
        "OwedCallOne (new)",
    ),
}
"""What is made of a rule, and the step and the claim by which that shows."""


@cache
def is_kept(kind: str, shape: str) -> bool:
    """By a prover of its own: what another was asked before makes z3 slower."""
    return Prover(Theory(3)).check(step_of(kind, shape, 2)).open == []


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_not_made_as_it_should_be_breaks_what_it_claims(name: str) -> None:
    old, new, kind, shape, claim = CALLS[name]
    step = step_of(kind, shape, 2)
    assert is_kept(kind, shape)
    wrong = Theory(3, patched_rule(*patch(old, new)))
    checked = WithLittleWork(wrong, fact_of(claim)).check(step)
    assert claim in open_goals(checked)


def test_a_call_for_the_rest_may_be_a_snapshot_for_who_was_not_heard_from() -> None:
    """Where it waited for a step of its own, as the log might be compacted in between."""

    def prepare(actor: Actor) -> Happening:
        happening = step_of("call to one", "snapshot, 1 a call, was sent some").prepare(actor)
        happening.known.clear()
        return happening

    checked = prover().check(Step("call to one", "one that was not heard from", prepare))
    assert open_goals(checked) == {"Install (new)"}
