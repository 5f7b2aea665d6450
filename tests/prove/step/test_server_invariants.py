"""What a server's steps keep and do is proved of the specification, and refuted of bugs in it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from conformance.audit.decisions import D3, D4, D6
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step import server_invariants
from conformance.prove.step.assumptions import ASSUMPTIONS
from conformance.prove.step.counterexample import as_records
from conformance.prove.step.server_invariants import broken_by, obligations
from conformance.prove.step.server_lemmas import SERVER_LEMMAS, fits_reports, reports
from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.patched import Patch, patched_rule
from conformance.trace.save import save
from spec import values as v
from spec.cluster import Deliver, Disk, Member, event_of, execute
from spec.pending import Pending
from tests.prove.shared import patch


@cache
def quick() -> tuple[Obligation, ...]:
    return tuple(obligations("quick"))


def named(start: str, level: Level = "quick") -> list[Obligation]:
    every = quick() if level == "quick" else obligations(level)
    return [one for one in every if one.name.startswith(f"invariant/{start}")]


# It is true of what runs reach


def test_it_is_true_of_every_server_in_random_runs() -> None:
    """And so is what is assumed of leaders, as long as nobody forges their messages."""
    events = owing = reported = 0
    for episode in count():
        for step, change in changes(Schedule(3, episode).honest()):
            cluster = change.before
            if isinstance(step, Deliver):
                envelope = cluster.network[step.index]
                member, event = cluster.members[envelope.to], event_of(envelope.content, step.keep)
                assert fits_reports(member, event), (member, event)
                reported += says_something(member, event)
            events += 1
            if change.turn is not None and change.turn.after.up:
                after = change.turn.after
                owing += after.pending.append is not None
                assert [one.words for one in SERVER_LEMMAS if not one.holds(after)] == [], after
        if events >= 20_000:
            break
    assert owing > 1_000
    assert reported > 0


def says_something(member: Member, event: v.Event) -> bool:
    """Whether a report is owed of which the assumption says something."""
    return any(reports(member)) and (
        isinstance(event, v.SnapshotInstalled)
        or (
            isinstance(event, v.Receive)
            and isinstance(event.message, v.AppendEntriesCall)
            and event.message.term == member.node.current_term
        )
    )


# Each part of it can be broken


PAIR = v.Config(frozenset({0, 1}))
LOG = v.new_log(v.Position(1, 2), PAIR, (v.Entry(2, v.TERM), v.Entry(2, v.COMMAND)))
NODE = v.Node(0, v.Follower(), 2, 1, LOG, 3)
DISK = Disk(2, 1, LOG)
WRITE = v.AppendLogEntries(v.Position(2, 3), LOG.after(3))
SHORT = Disk(2, 1, LOG.truncated(3))


def reply(term: int, index: int) -> v.SendMessage:
    return v.SendMessage(1, v.AppendEntriesReply(0, 2, 1, v.Position(term, index)))


def vote_for(candidate: v.NodeId) -> v.SendMessage:
    return v.SendMessage(candidate, v.RequestVoteReply(0, 2, 1, True))


BROKEN: dict[str, tuple[Member, ...]] = {
    "voted_for_itself": (Member(NODE._replace(role=v.Candidate(frozenset({0}))), disk=DISK),),
    "owed_calls_have_numbers": (
        Member(
            NODE._replace(role=v.Leader((v.Progress(1),)), voted_for=0),
            Pending(calls=(1,)),
            DISK._replace(voted_for=0),
        ),
    ),
    "owed_votes_are_given": (Member(NODE, Pending(True, sends=(vote_for(2),)), DISK),),
    "owed_votes_set_timer": (Member(NODE, Pending(sends=(vote_for(1),)), DISK),),
    "reported_is_in_log": (
        Member(NODE, Pending(sends=(reply(2, 5),)), DISK),
        Member(NODE, Pending(sends=(reply(2, 2),)), DISK),
    ),
    "disk_has_term_and_vote": (
        Member(NODE, disk=DISK._replace(voted_for=None)),
        Member(NODE, Pending(save_voted_for=True), DISK._replace(current_term=3)),
        Member(NODE, Pending(save_current_term=True), DISK._replace(current_term=3)),
        Member(NODE, Pending(save_current_term=True), DISK._replace(voted_for=None)),
    ),
    "disk_lacks_only_what_is_owed": (
        Member(NODE, disk=SHORT),
        Member(NODE, Pending(append=WRITE), DISK._replace(log=LOG.truncated(2))),
        Member(
            NODE,
            Pending(append=WRITE),
            DISK._replace(log=v.new_log(v.Position(0, 2), PAIR, LOG.entries)),
        ),
    ),
    "disk_is_fit_to_come_up_from": (
        Member(NODE, Pending(save_current_term=True), DISK._replace(current_term=1)),
        Member(
            NODE,
            Pending(append=WRITE),
            Disk(2, 1, LOG.truncated(3).appended((v.Entry(3, v.TERM),))),
        ),
    ),
    "counted_is_on_disk": (
        Member(
            NODE._replace(
                role=v.Leader((), 4),
                voted_for=0,
                log=v.new_log(v.Position(1, 2), v.Config(frozenset({0})), LOG.entries),
            ),
            Pending(append=WRITE),
            Disk(2, 0, v.new_log(v.Position(1, 2), v.Config(frozenset({0})), LOG.entries[:1])),
        ),
    ),
}


def test_it_is_about_more_than_step_equivalence_assumes() -> None:
    assert SERVER_LEMMAS[: len(ASSUMPTIONS)] == ASSUMPTIONS
    assert {one.holds.__name__ for one in SERVER_LEMMAS[len(ASSUMPTIONS) :]} == BROKEN.keys()


@pytest.mark.parametrize("name", BROKEN)
def test_a_part_of_it_is_about_one_thing(name: str) -> None:
    for sound in (Member(NODE, disk=DISK), Member(NODE, Pending(append=WRITE), SHORT)):
        assert all(one.holds(sound) for one in SERVER_LEMMAS)
    for member in BROKEN[name]:
        assert [one.holds.__name__ for one in SERVER_LEMMAS if not one.holds(member)] == [name]


def test_a_leader_agrees_with_what_it_is_reported() -> None:
    member = Member(NODE, Pending(sends=(reply(2, 4),)), DISK)
    call = v.AppendEntriesCall(1, 2, 5, 3, v.Position(2, 3), (v.Entry(2, v.COMMAND),))
    assert fits_reports(member, v.Receive(call))
    assert fits_reports(member, v.Receive(replace(call, prev_position=v.Position(2, 9))))
    assert not fits_reports(member, v.Receive(replace(call, prev_position=v.Position(1, 3))))
    assert not fits_reports(member, v.Receive(replace(call, prev_position=v.Position(1, 9))))
    assert fits_reports(member, v.Receive(replace(call, term=3, prev_position=v.Position(1, 9))))
    assert fits_reports(member, v.SnapshotInstalled(v.Position(2, 3), PAIR))
    assert not fits_reports(member, v.SnapshotInstalled(v.Position(1, 3), PAIR))
    assert fits_reports(replace_sends(member), v.SnapshotInstalled(v.Position(1, 3), PAIR))


def replace_sends(member: Member) -> Member:
    """What is reported of an earlier term counts for nothing."""
    return member._replace(pending=Pending(sends=(reply(1, 4),)))


def test_a_leader_is_told_of_no_call_that_it_has_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that, the property of runs that says so is broken by a message."""
    one, *_ = named("append reply/leader of 2/log of 0")
    assert one.prove(Subjects()).result == "proved"
    monkeypatch.setattr(server_invariants, "is_to_own_call", lambda member, event: True)
    result = one.prove(Subjects())
    assert result.result == "refuted"
    assert result.found is not None
    assert result.found.what.startswith("ReplyIsToOwnCall")


@pytest.mark.parametrize("start", ["append call/anything owed", "snapshot/anything owed"])
def test_without_that_reports_may_become_untrue(
    start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_invariants, "fits_reports", lambda member, event: True)
    results = [one.prove(Subjects()) for one in named(start)]
    refuted = [one.found for one in results if one.result == "refuted"]
    assert refuted
    assert all(found is not None and found.replays for found in refuted)
    assert all("to be reported" in found.what for found in refuted if found is not None)


# Bugs


BUGS: dict[str, tuple[str, tuple[Patch, ...], str]] = {
    "D3: a removed leader forgets its vote": (
        "append reply/leader in voters 12",
        D3.in_spec,
        "VoteKeptInTerm",
    ),
    "D4: a snapshot leaves the commit index behind": (
        "snapshot/follower",
        D4.in_spec,
        "SnapshotWithinCommit",
    ),
    "D6: a conflicting suffix is dropped in memory only": (
        "append call/follower/log of 1",
        D6.in_spec,
        "The disk has the log",
    ),
    "an entry of an earlier term is committed": (
        "append reply/leader of 2",
        IN_BOTH["earlier-term-commit"].in_spec,
        "NeverCommitEarlierTermDirectly",
    ),
    "a vote is told and not written down": (
        "vote call/any role",
        IN_BOTH["vote-not-persisted"].in_spec,
        "The disk has the term and the vote",
    ),
    "a stale call truncates": (
        "append call/follower/log of 1",
        IN_BOTH["truncation-on-stale-append"].in_spec,
        "CommittedEntriesStay",
    ),
    "a follower's commit index goes back": (
        "append call/follower/log of 0",
        patch(
            "max(node.commit_index, min(call.commit_index, verified))",
            "min(call.commit_index, verified)",
        ),
        "CommitMonotonic",
    ),
    "a follower takes the commit index as it is": (
        "append call/follower/log of 0",
        patch("min(call.commit_index, verified)", "call.commit_index"),
        "SnapshotWithinCommit",
    ),
    "committed entries are overwritten": (
        "append call/follower/log of 1",
        patch("    if agreed < node.commit_index:", "    if False:"),
        "CommittedEntriesStay",
    ),
    "a second change is accepted while one is in flight": (
        "configuration/1",
        patch(
            "    if node.config.is_joint:\n        return refused",
            "    if False:\n        return refused",
        ),
        "ConfigChangeThroughJoint",
    ),
    "voters change at once": (
        "configuration/5",
        patch("if config.voters != node.config.voters:", "if not config.voters:"),
        "ConfigChangeThroughJoint",
    ),
    "a node is a voter and none": (
        "configuration/6",
        patch(
            "if (config.new_voters if config.is_joint else config.voters) & config.non_voters:",
            "if not config.voters:",
        ),
        "ConfigChangeThroughJoint",
    ),
    "the final configuration is not the proposed one": (
        "append reply/leader in voters 01 to 02",
        patch(
            "Config(node.config.new_voters, frozenset()", "Config(node.config.electors, frozenset()"
        ),
        "ConfigChangeThroughJoint",
    ),
    "a joint configuration is not left": (
        "append reply/leader in voters 01 to 02",
        patch(
            "    if node.config.is_joint:\n        return append_config",
            "    if False:\n        return append_config",
        ),
        "JointIsLeft",
    ),
    "a leader stays after its removal is committed": (
        "append reply/leader in voters 12",
        patch(
            "    if node.id not in node.config.voters:\n        return Effect(",
            "    if False:\n        return Effect(",
        ),
        "RemovedLeaderStepsDown",
    ),
    "a leader steps down before its removal is committed": (
        "append reply/leader in voters 12",
        patch("    if index < node.log.config_index:\n        return Effect(node)\n"),
        "RemovedLeaderStepsDown",
    ),
    "a leader does not follow who joins": (
        "append reply/leader in voters 01 to 02",
        patch("node = effect.node._replace(role=track_members(effect.node))", "node = effect.node"),
        "A leader keeps count",
    ),
    "a follower's next index lies beyond the log": (
        "append reply/leader of 2/log of 1",
        patch(
            "    if known == node.log.last_index:\n        return",
            "    if False:\n        return",
        ),
        "What a peer is to be sent next",
    ),
    "calls to a single follower have no number": (
        "append reply/leader of 2/log of 0",
        patch("progress._replace(probe=node.seqno)", "progress"),
        "The calls that a peer is owed have a number",
    ),
    "a non-voter campaigns": (
        "election timeout/follower",
        patch("    if not may_campaign(node):  #", "    if False:  #"),
        "CampaignsAsElector",
    ),
    "who knows that it was removed campaigns": (
        "election timeout/follower",
        patch("if index <= node.commit_index:", "if index <= node.log.snapshot_position.index:"),
        "CampaignsAsElector",
    ),
    "a snapshot is of a term ahead": (
        "snapshot/follower",
        patch("    if position.term > node.current_term:", "    if False:"),
        "TermNotBelowLog",
    ),
    "a term is not written down": (
        "append call/follower/log of 0",
        patch("= (v.SaveCurrentTerm(term), v.SaveVotedFor(None))", "= (v.SaveVotedFor(None),)"),
        "The disk has the term and the vote",
    ),
    "a higher term sets a follower's timer": (
        "vote call/any role",
        patch("    if isinstance(node.role, v.Leader):  # it had another timer", "    if True:"),
        "TimerSetByCause",
    ),
    "a leader that is deposed has no other timer": (
        "vote call/any role",
        patch("    if isinstance(node.role, v.Leader):  # it had another timer", "    if False:"),
        "TimerSetByCause",
    ),
    "a vote that is granted does not set the timer": (
        "vote call/any role",
        patch(
            "v.SendMessage(call.sender, reply), v.SetElectionTimeout())",
            "v.SendMessage(call.sender, reply))",
        ),
        "TimerSetByCause",
    ),
    "a call of the leader does not set the timer": (
        "append call/any role",
        patch(
            "(*owed, reply_to(node, call, accepted), v.SetElectionTimeout())",
            "(*owed, reply_to(node, call, accepted))",
        ),
        "TimerSetByCause",
    ),
    "a second leader of the term is followed": (
        "append call/any role",
        patch("if leader not in (None, call.sender):", "if False:"),
        "LeaderKeptInTerm",
    ),
    "a vote is given twice": (
        "vote call/any role",
        patch(
            "    if node.voted_for is None:\n        node",
            "    if node.voted_for != call.sender:\n        node",
        )
        + patch("    if node.voted_for not in (None, call.sender):\n        return Effect(node)\n"),
        "VoteKeptInTerm",
    ),
}


TAKES_LONGER_LOGS = ("a leader steps down before its removal is committed",)


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_is_refuted_and_replays(bug: str, tmp_path: Path) -> None:
    start, patches, what = BUGS[bug]
    broken = Subjects(rule=patched_rule(*patches))
    level: Level = "full" if bug in TAKES_LONGER_LOGS else "quick"
    results = (one.prove(broken) for one in named(start, level))
    result = next((one for one in results if one.result != "proved"), Result())
    assert result.result == "refuted"
    found = result.found
    assert found is not None
    assert found.replays
    assert found.what.startswith(what) or f"no longer true: {what}" in found.what
    assert broken_by(found.turn) is not None
    assert type(found.turn.before.node.current_term) is int
    save(tmp_path / "found.jsonl", as_records(found), nodes=8)


def test_a_drain_of_anything_owed_is_proved_at_level_full() -> None:
    """What no server that keeps the invariants does is no vacuity there."""
    (one,) = named("drain/anything owed", "full")
    result = one.prove(Subjects())
    assert (result.result, result.detail) == ("proved", "")


def test_a_disk_that_nobody_could_come_up_from_is_noticed() -> None:
    """A crash may fall between any two actions: here, after the log was written before the term."""
    entries = (v.Entry(3, v.TERM),)
    node = NODE._replace(current_term=3, log=LOG.appended(entries))
    write = v.AppendLogEntries(v.Position(2, 4), entries)
    member = Member(node, Pending(save_current_term=True, append=write), DISK)
    turn = execute(member)
    assert broken_by(turn) is None
    ahead = DISK._replace(log=node.log)
    swapped = (turn.executed[0], turn.executed[1]._replace(disk=ahead))
    wrong = broken_by(turn._replace(executed=swapped))
    assert wrong is not None
    assert "no server can come up" in wrong


def test_a_call_that_is_none_is_noticed() -> None:
    node = NODE._replace(role=v.Leader((v.Progress(1),), 4), voted_for=0)
    turn = execute(Member(node, Pending(broadcast=True), DISK._replace(voted_for=0)))
    assert broken_by(turn) is None
    (done,) = turn.executed
    assert isinstance(done.action, v.BroadcastMessage)
    call = done.action.message
    assert isinstance(call, v.AppendEntriesCall)
    for wrong in (replace(call, seqno=0), replace(call, entries=(v.Entry(3, v.COMMAND),))):
        sent = done._replace(action=v.BroadcastMessage(wrong, done.action.to))
        said = broken_by(turn._replace(executed=(sent,)))
        assert said is not None
        assert "no server sends this" in said
