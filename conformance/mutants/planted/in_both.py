"""Bugs that Raft implementations had, put into the specification and the library alike.

Where both are wrong in the same way no comparison finds anything: it takes the properties.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from conformance.audit.decisions import D1
from conformance.explore.states.bounds import PRESETS, Bounds
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import Patch, in_rules


@dataclass(frozen=True, slots=True)
class InBoth(Mutant):
    """`bounds`: within which `conformance explore` finds it, from an empty start."""

    bounds: Bounds = field(kw_only=True)


def _library(old: str, new: str) -> Patch:
    return Patch("rules", old, new)


def _in_both(
    name: str,
    what: str,
    source: str,
    in_spec: tuple[Patch, ...],
    in_library: tuple[Patch, ...],
    bounds: Bounds,
    breaks: str,
) -> InBoth:
    return InBoth(name, what, breaks, source, in_library, in_spec, bounds=bounds)


def _by_name(*mutants: InBoth) -> dict[str, InBoth]:
    return {mutant.name: mutant for mutant in mutants}


IN_BOTH: Final = _by_name(
    _in_both(
        "index-only-vote",
        "a vote compares the index of the last entries only",
        "§5.4.1; the Rust crate raftbare 0.2.2 (D1)",
        D1.in_spec,
        IN_LIBRARY["D1"],
        Bounds(terms=3, log=4, in_flight=1),
        "LeaderCompleteness",
    ),
    _in_both(
        "earlier-term-commit",
        "an entry of an earlier term is committed by counting its replicas",
        "§5.4.2, Figure 8; logcabin/logcabin #44; bakwc/PySyncObj #169; async-raft/async-raft #108",
        (
            in_rules(
                "    if index <= node.commit_index or node.log.term(index) != node.current_term:\n",
                "    if index <= node.commit_index:\n",
            ),
        ),
        (
            _library(
                "        if index <= self._commit_index or log.entries._term(index) != "
                "self._current_term:\n",
                "        if index <= self._commit_index:\n",
            ),
        ),
        Bounds(terms=2, log=4, in_flight=1),
        "NeverCommitEarlierTermDirectly",
    ),
    _in_both(
        "lone-voter-leads-at-once",
        "an only voter leads before its term and its vote are on its disk",
        "Figure 2, persistent state; this library, until a crash in that very drain was simulated",
        (
            in_rules(
                "    if not has_quorum(node.config, frozenset({node.id})):\n"
                "        owed = (*owed, v.CallAll())\n",
                "    if has_quorum(node.config, frozenset({node.id})):\n"
                "        effect = become_leader(node)\n"
                "        return effect._replace(owed=owed + effect.owed)\n"
                "    owed = (*owed, v.CallAll())\n",
            ),
        ),
        (
            _library(
                "        if not self._log.latest_config.has_quorum(candidate.granted_votes):\n",
                "        if self._log.latest_config.has_quorum(candidate.granted_votes):\n"
                "            self._become_leader()\n"
                "        else:\n",
            ),
        ),
        PRESETS["quick"]["leaving"],
        "ElectionSafety",
    ),
    _in_both(
        "vote-not-persisted",
        "a vote is told and not written down",
        "Figure 2, persistent state",
        (
            in_rules(
                "        owed = (v.SaveVotedFor(call.sender),)\n    reply = v.RequestVoteReply",
                "    reply = v.RequestVoteReply",
            ),
        ),
        (
            _library(
                "            self._voted_for = call.sender\n"
                "            self._pending.save_voted_for = True\n",
                "            self._voted_for = call.sender\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=1, crashes=1),
        "VotePersistedBeforeReply",
    ),
    _in_both(
        "commit-past-verified",
        "a follower commits entries of its own that follow what a call has verified",
        "Figure 2, AppendEntries receiver 5; atomix/copycat #265; scylladb/scylladb #9965",
        (
            in_rules(
                "max(node.commit_index, min(call.commit_index, verified))",
                "max(node.commit_index, min(call.commit_index, node.log.last_index))",
            ),
        ),
        (
            Patch(
                "log",
                "        return Agreement(True, None, sent, agreed)\n",
                "        return Agreement(True, None, sent, log.last_position.index)\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=1, heartbeats=1, shortened=3),
        "StateMachineSafety",
    ),
    _in_both(
        "truncation-on-stale-append",
        "a call whose entries are all there cuts off what follows them",
        "Figure 2, AppendEntries receiver 3",
        (
            in_rules(
                "    verified = agreed + len(missing)\n",
                "    if not missing and agreed < log.last_index:\n"
                "        node = node._replace(log=log.truncated(agreed))\n"
                "        owed = (v.AppendLogEntries(log.position(agreed), ()),)\n"
                "    verified = agreed + len(missing)\n",
            ),
        ),
        (
            Patch(
                "log",
                "    if agreed >= sent.last_position.index:\n",
                "    if agreed >= sent.last_position.index:\n"
                "        if agreed < log.last_position.index:\n"
                "            base = log._position(agreed)\n"
                "            return Agreement(True, base, LogEntries(base, None), agreed)\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=2),
        "CommittedOnQuorum",
    ),
    _in_both(
        "joint-quorum-over-union",
        "a joint configuration's quorum is a majority of both memberships together",
        "§6",
        (
            in_rules(
                "    return majority(config.voters) and "
                "(not config.is_joint or majority(config.new_voters))\n",
                "    return majority(config.electors)\n",
            ),
            in_rules(
                "    return reached(node.config, [*held, (node.id, node.role.durable)])\n",
                "    union = v.Config(node.config.electors)\n"
                "    return reached(union, [*held, (node.id, node.role.durable)])\n",
            ),
        ),
        (
            Patch(
                "config",
                "        return _is_majority(self._voters, nodes) and (\n"
                "            not self._new_voters or _is_majority(self._new_voters, nodes)\n"
                "        )\n",
                "        return _is_majority(self._voters | self._new_voters, nodes)\n",
            ),
            _library(
                "        log = self._log\n",
                "        config = self._log.latest_config\n"
                "        voters = config.voters | config.new_voters\n"
                "        known = {**role.followers, self._id: role.own}\n"
                "        held = sorted([known[voter].match_index for voter in voters])\n"
                "        index = held[(len(held) - 1) // 2]\n"
                "        log = self._log\n",
            ),
        ),
        Bounds(nodes=3, voters=2, terms=2, log=5, in_flight=1, proposals=0, changes=1),
        "CommittedOnQuorum",
    ),
    _in_both(
        "vote-counted-twice",
        "a second reply of the same voter counts as another vote",
        "ktoso/akka-raft #45",
        (
            in_rules(
                "            granted = granted | {reply.sender}\n",
                "            more = sorted(node.config.voters - granted)\n"
                "            granted = granted | (\n"
                "                {reply.sender} if reply.sender not in granted else set(more[:1])\n"
                "            )\n",
            ),
        ),
        (
            _library(
                "            role.granted_votes.add(reply.sender)\n",
                "            more = sorted(self._log.latest_config.voters - role.granted_votes)\n"
                "            if reply.sender in role.granted_votes and more:\n"
                "                role.granted_votes.add(more[0])\n"
                "            role.granted_votes.add(reply.sender)\n",
            ),
        ),
        Bounds(nodes=4, terms=1, log=3, in_flight=2, proposals=0, duplications=1),
        "ElectedByQuorum",
    ),
    _in_both(
        "timer-set-by-higher-term",
        "a higher term sets a follower's timer anew, whoever brings it",
        "Figure 2, followers; tikv/raft-rs #14; dotnet/dotNext #89",
        (
            in_rules(
                "    if isinstance(node.role, v.Leader):  # it had another timer\n",
                "    if True:\n",
            ),
        ),
        (
            _library(
                "        if isinstance(self._role, Leader):\n"
                "            self._pending.set_election_timeout = True\n",
                "        self._pending.set_election_timeout = True\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=1),
        "TimerSetByCause",
    ),
    _in_both(
        "reply-confirms-latest-call",
        "a reply confirms that a leader leads whichever of its calls it answers",
        "dissertation, §6.4",
        (
            in_rules(
                "    if reply.seqno > progress.answered:\n"
                "        progress = progress._replace(answered=reply.seqno)\n",
                "    if node.seqno > progress.answered:\n"
                "        progress = progress._replace(answered=node.seqno)\n",
            ),
        ),
        (
            _library(
                "        if reply.seqno > follower.answered:\n"
                "            follower.answered = reply.seqno\n",
                "        follower.answered = self._seqno\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=2, proposals=0, heartbeats=1),
        "ReadIndexSafe",
    ),
    _in_both(
        "later-term-not-told",
        "who knows a later term answers a call as if it did not",
        "§5.1; dissertation, §6.4",
        (
            in_rules(
                "        return Effect(node, (reply_to(node, call, accepted=False),))\n",
                "        told = call.term, call.seqno, node.log.last_position, False\n"
                "        reply = v.AppendEntriesReply(node.id, *told)\n"
                "        return Effect(node, (v.SendMessage(call.sender, reply),))\n",
            ),
        ),
        (
            _library(
                "            self._reply_to_append(call, MessageSeqNo(0), False)\n"
                "            return\n",
                "            self._reply_to_append(call, call.seqno, False)\n"
                "            self._pending.sends[call.sender].term = term\n"
                "            return\n",
            ),
        ),
        Bounds(terms=2, log=3, in_flight=1, proposals=0, heartbeats=1),
        "ReadIndexSafe",
    ),
)
