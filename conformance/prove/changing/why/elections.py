"""That nobody else leads the term of a candidate with the votes of a quorum: Election Safety, §5.2.

And that a later leader would have had to be elected without those who may acknowledge what the
candidate appends.
"""

from __future__ import annotations

import z3

from conformance.prove.any_size.views import ME
from conformance.prove.changing.statements.lemmas import (
    may_acknowledge,
    overlap,
    told,
)
from conformance.prove.changing.statements.script import COMMON, Script
from conformance.prove.changing.statements.views import opening_holds
from conformance.prove.changing.why.completeness import first_after
from conformance.prove.changing.why.facts import alone, has_votes, wins
from conformance.prove.changing.why.fork import Fork, Side
from conformance.prove.changing.why.log_matching import own_is_leaders
from conformance.prove.statements.lemma import NOBODY, Int
from conformance.prove.statements.logic import both, implies
from conformance.prove.statements.views import ACTOR, TERM_OF


def fork_of_candidate(s: Script, elected: Int, known: str) -> Fork:
    """Where the candidate's own log parts from that with which a leader was elected, in its term or
    the first one with a leader after it.  Beyond, nothing in either was committed before its term.
    """
    v, term, y = s.before, s.before.actor.term, s.before.actor.last
    own, other = Side(v, "_own", z3.Int("mine"), y), Side(v, "_other", elected, v.el(elected))
    log, last = other.log, other.last
    own_is_leaders(s, own, elected, known)
    s.step("log_other", other.is_log(), f"{known} Elected", [v.lead(elected)])
    s.step(
        "quorum_other",
        other.has_quorum(told(v, elected, v.lead(elected))),
        f"{known} ElectedByQuorum Elected",
        [v.lead(elected)],
    )
    ends = TERM_OF(log(last))
    s.step(
        "ended",
        both(ends < term, TERM_OF(log(last + 1)) == elected, term <= elected),
        f"{known} log_other Candidate Elected TermLogFromLeader TermLogTerms TermLogEnds",
        [v.lead(elected), log(last), v.lead(ends), log(1), v.lead(term)],
    )
    s.step(
        "own_ended",
        TERM_OF(own.log(y)) < term,
        "votes mine log_own is_leaders Candidate TermLogEnds",
        [v.actor.log(y), own.log(y)],
    )
    fork = Fork(s, own, other, "mine ended own_ended")
    fork.part()
    fork.uncommitted(own, term, "LeadersHave TermLogTerms")
    fork.uncommitted(other, term, "wins votes is_leaders LogFromLeader")
    return fork


def prove_alone(s: Script) -> None:
    """Those who elected the leader and those who vote for the candidate have a node in common."""
    v, term = s.before, s.before.actor.term
    s.given("votes", has_votes(v), v.lead(term) != NOBODY)
    s.given("wins", wins(v))
    s.step("two", v.lead(term) != ACTOR, "votes Candidate")
    fork = fork_of_candidate(s, term, "votes")
    for_own, for_other = told(v, term, ME), told(v, term, v.lead(term))
    s.step("quorum_own", fork.one.has_quorum(for_own), "votes own_config")
    ours, theirs = fork.majority(fork.one, for_own), fork.majority(fork.other, for_other)
    s.given("common", overlap(fork.based, for_own, for_other, COMMON))
    s.step("contradiction", False, f"{ours} {theirs} two common")


def prove_opening(s: Script) -> None:
    """Those who may acknowledge the candidate's entry and those who elected the later leader have a
    node in common, which cannot be in the candidate's term any more.
    """
    v, term = s.before, s.before.actor.term
    s.given("votes", has_votes(v))
    s.given("alone", alone(v))
    s.given("wins", wins(v))
    s.given("held", opening_holds(v))
    after = first_after(s, term)
    s.step("unled", v.lead(term) == NOBODY, "votes alone")
    fork = fork_of_candidate(s, after, "votes after least unled")
    voted = told(v, after, v.lead(after))
    majority = fork.majority(fork.other, voted)
    # Nothing joint beyond the fork is left in the candidate's log: what is in force decides.
    may = may_acknowledge(v, term)(v.actor.last + 1)
    fork.unleft(fork.one)
    log, in_force, joint = fork.one.log, fork.one.in_force, fork.one.joint
    s.step(
        "known",
        implies(both(joint > fork.at, in_force == joint), in_force > v.actor.commit),
        "log_own prefix own_config is_leaders uncommitted_own unled KnownIsCounted "
        "CountedIsChosen Marks",
        [v.commit_term(joint), in_force, joint, v.actor.log(joint), log(joint)],
    )
    s.step(
        "held_own",
        may.by(fork.based),
        "held own_config known log_own prefix unleft_own high_own joint_own base before_own Marks",
        [in_force, log(in_force), joint, log(joint), v.lj(fork.one.term, fork.at)],
    )
    s.given("common", overlap(fork.based, voted, may, COMMON))
    s.step(
        "contradiction",
        False,
        f"{majority} held_own common after unled log_own own_ended ToldIsSaved AckIsOfTerm Elected",
        [v.lead(after), v.told(COMMON, after), v.ack(COMMON, term)],
    )
