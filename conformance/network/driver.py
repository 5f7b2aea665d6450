"""What a driver builds from what its node tells it: a model for a real one.

The loop whose steps the library's docstring numbers is in `server`.  This is what a driver does in
it besides: it judges what arrives before its node is told (step 2), and asks its node after each
drain (step 4).  It rests on its node's answers and on its clock.  Nothing of it is on a disk: who
comes up again begins anew.

A clock that is wrong costs time, or a leader; it makes no read stale, and commits nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeAlias

from conformance.network.questions import Questions
from conformance.network.scenario import Policy
from conformance.observe.observed import Observed
from spec import values as v

# What drivers send each other, besides their nodes' messages.


@dataclass(frozen=True, slots=True)
class PreVote:
    """Would your node vote for mine?  `ballot` tells a driver's questions apart."""

    ballot: int
    call: v.RequestVoteCall


@dataclass(frozen=True, slots=True)
class PreVoteAnswer:
    """`term`: the one that the answering node is in."""

    ballot: int
    sender: v.NodeId
    yes: bool
    term: v.Term


@dataclass(frozen=True, slots=True)
class TimeOutNow:
    """The leader of this term wants your node to take its place (dissertation, §3.10)."""

    term: v.Term


Letter: TypeAlias = v.Message | PreVote | PreVoteAnswer | TimeOutNow


class Unanswered(NamedTuple):
    """A leader's call that no quorum has answered yet."""

    term: v.Term
    number: v.SeqNo
    since: int


class Handover(NamedTuple):
    """`told`: the target has been sent `TimeOutNow`."""

    to: v.NodeId
    term: v.Term
    since: int
    told: bool = False


class Client(Protocol):
    """Who wants to read."""

    def taken(self, read: v.ReadIndex) -> None:
        """The read has its place in the order of all that happens."""

    def served(self) -> None:
        """From a state machine that has applied the read's index."""

    def lost(self) -> None:
        """This node does not lead any more: try another one."""


class Host(Protocol):
    """What a driver stands on: a node, a clock, a network.  `state` is what the node shows now."""

    node: v.NodeId
    state: Observed
    questions: Questions

    @property
    def now(self) -> int: ...

    def input(self, event: v.Event) -> v.Outcome:
        """Tell the node.  A drain follows once the driver has returned."""

    def send(self, to: v.NodeId, letter: Letter) -> None: ...

    def set_timer(self) -> None:
        """As `SetElectionTimeout` asks for it."""

    def changed(self, node: v.NodeId) -> None:
        """The change of this server's membership that was asked for is complete."""


class Driver:
    """Beside one node, from when it comes up until it crashes.

    `shortest`: the least time that an election timer is set to.  A leader that was heard from
    within that time is taken to be alive.
    """

    def __init__(self, host: Host, policy: Policy, shortest: int) -> None:
        self.policy = policy
        self._host = host
        self._node = host.node
        self._ask = host.questions
        self._shortest = shortest
        # Reads
        self._early: list[Client] = []
        self._reads: deque[tuple[Client, v.ReadIndex]] = deque()
        self._round = 0  # the number of the latest call to all that is known
        # Check quorum
        self._unanswered: Unanswered | None = None
        # Transfer, membership
        self._transfer: Handover | None = None
        self._joining: v.NodeId | None = None
        self._change: tuple[v.Position, v.NodeId] | None = None
        # Votes
        self._heard: int | None = None
        self._ballot = 0
        self._asked = False
        self._in_favour: frozenset[v.NodeId] = frozenset()
        self._told: v.Term = 0

    @property
    def _leads(self) -> bool:
        return self._host.state.role == "leader"

    # Step 2: what has happened

    def timer_ran_out(self) -> None:
        """With pre-vote a node campaigns only once a quorum has said that it would vote for it."""
        call = None
        if self.policy.pre_vote and not self._leads:
            call = self._ask.pre_vote_call()
        if call is None:  # a leader shows that it is alive; who may not campaign does nothing
            self._host.input(v.ElectionTimeout())
            if self._transfer is not None:
                self._transfer = self._transfer._replace(told=False)  # the target is told again
        else:
            self._begin_ballot(call)

    def arrived(self, letter: Letter) -> None:
        """A message from another node, or from its driver."""
        match letter:
            case PreVote(ballot, call):
                self._answer(ballot, call)
            case PreVoteAnswer():
                self._count(letter)
            case TimeOutNow(term):
                self._host.input(v.TimeoutNow(term))
            case v.RequestVoteCall() if self.policy.drop_disruptive and self._would_disturb(letter):
                pass
            case _:
                self._host.input(v.Receive(letter))
                if isinstance(letter, v.AppendEntriesCall):
                    if self._host.state.leader == letter.sender:
                        self._heard = self._host.now

    def read(self, client: Client) -> None:
        """§8: a read is taken, and waits for two things (`_serve`)."""
        self._take(client)
        self._serve()

    def transfer(self, to: v.NodeId) -> None:
        """§3.10: the node takes no more proposals from here on."""
        if self._host.input(v.TransferLeadership(to)) is True:
            self._transfer = Handover(to, self._host.state.current_term, self._host.now)

    def promote(self, node: v.NodeId, patient: bool = True) -> None:
        """A server is added.  Without a vote at first, so that no majority has to wait for it
        while it catches up (dissertation, §4.2.1).
        """
        config = self._host.state.config
        if not patient:
            self._propose_voters(config.voters | {node}, node)
            return
        joined = replace(config, non_voters=config.non_voters | {node})
        if isinstance(self._host.input(v.ProposeConfig(joined)), v.Position):
            self._joining = node

    def remove(self, node: v.NodeId) -> None:
        """A voter is removed, be it this node itself."""
        self._propose_voters(self._host.state.config.voters - {node}, node)

    # Step 3: what the node owed

    def called(self, number: v.SeqNo) -> None:
        """A leader's call was sent to all others."""
        self._round = number
        if self._unanswered is None:
            term = self._host.state.current_term
            self._unanswered = Unanswered(term, number, self._host.now)

    def timer_was_set(self) -> None:
        """By the node: it has voted, or heard from a leader.  What was asked before is void."""
        self._asked = False

    # Step 4: what has come of it

    def settle(self) -> None:
        """After each drain."""
        self._serve()
        self._check_quorum()
        self._go_on_with_transfer()
        self._go_on_with_change()

    # Reads (§8; dissertation, §6.4)

    def _take(self, client: Client) -> None:
        read = self._ask.read_index()
        if read is not None:
            client.taken(read)
            self._reads.append((client, read))
        elif self._leads:  # it does not know yet what is committed
            self._early.append(client)
        else:
            client.lost()

    def _serve(self) -> None:
        """A read is served once a quorum has answered a call that was made after it was taken, and
        its index is applied.  Here all that is committed is applied at once.
        """
        while self._reads:
            client, read = self._reads[0]
            confirmed = self._ask.is_confirmed(read)
            if confirmed is False or read.index > self._host.state.commit_index:
                break
            self._reads.popleft()
            if confirmed:
                client.served()
            else:
                client.lost()
        early, self._early = self._early, []
        for client in early:
            self._take(client)
        self._call_for_reads()

    def _call_for_reads(self) -> None:
        """One round of calls at a time, for all reads that came during the one before it.  None
        where the node calls all others anyway, to bring them what it was proposed.
        """
        confirmed = self._host.state.confirmed
        if not self._reads or confirmed is None:
            return
        _, last = self._reads[-1]
        if last.seqno > self._round and confirmed >= self._round:
            called = self._host.input(v.Heartbeat())
            if isinstance(called, v.Called):
                self._round = called.seqno

    # Check quorum (dissertation, §6.2)

    def _check_quorum(self) -> None:
        """A call that a quorum has not answered within an election timeout: the leader may be cut
        off, and another one lead.  It is asked after each drain: the timer of a leader that is
        given proposals is set again and again.
        """
        if self._unanswered is None:
            return
        term, number, since = self._unanswered
        state = self._host.state
        if state.current_term != term or state.confirmed is None or state.confirmed >= number:
            self._unanswered = None
        elif self.policy.check_quorum and self._host.now - since >= self._shortest:
            self._unanswered = None
            self._host.input(v.StepDown())

    # Transfer of leadership (dissertation, §3.10)

    def _go_on_with_transfer(self) -> None:
        """The target is told once it has all of the log.  If that takes an election timeout, or
        nothing comes of it within one, the leader takes proposals again.
        """
        if self._transfer is None:
            return
        to, term, since, told = self._transfer
        state = self._host.state
        if not self._leads or state.current_term != term:
            self._transfer = None
        elif self._host.now - since >= self._shortest:
            self._transfer = None
            self._host.input(v.CancelTransfer())
        elif not told and self._ask.match(to) == state.last_position.index:
            self._transfer = self._transfer._replace(told=True)
            self._host.send(to, TimeOutNow(term))

    # Changes of membership (§6)

    def _go_on_with_change(self) -> None:
        """Who was added gets a vote when it holds what a quorum does; and whoever asked is told
        when a change is complete.
        """
        state = self._host.state
        if self._joining is not None and not self._leads:
            self._joining = None
        if self._joining is not None and not state.config.is_joint:
            if self._ask.match(self._joining) >= state.commit_index:
                joining, self._joining = self._joining, None
                self._propose_voters(state.config.voters | {joining}, joining)
        if self._change is not None:
            position, node = self._change
            status = self._ask.change_status(position)
            if status != "in_progress":
                self._change = None
            if status == "committed":
                self._host.changed(node)

    def _propose_voters(self, voters: frozenset[v.NodeId], node: v.NodeId) -> None:
        config = self._host.state.config
        joint = v.Config(config.voters, voters, config.non_voters - voters)
        position = self._host.input(v.ProposeConfig(joint))
        if isinstance(position, v.Position):
            self._change = position, node

    # Pre-vote (dissertation, §9.6), and vote requests that are dropped (§6)

    def _begin_ballot(self, call: v.RequestVoteCall) -> None:
        """Ask the others, and set the timer again, in case that too few say yes.

        It is asked for a term that is new to all who have answered before: a node whose own term
        has fallen behind would be told no for ever, though its log alone may be the one that can
        win.  Then its first campaign brings it their term, and a second one their votes.
        """
        self._ballot += 1
        self._asked = True
        self._in_favour = frozenset({self._node})
        call = replace(call, term=max(call.term, self._told + 1))
        if not self._campaign_with_quorum():
            config = self._host.state.config
            for peer in sorted(config.electors - {self._node}):
                self._host.send(peer, PreVote(self._ballot, call))
            self._host.set_timer()

    def _answer(self, ballot: int, call: v.RequestVoteCall) -> None:
        yes = self._ask.would_vote(call) and not self._would_disturb(call)
        term = self._host.state.current_term
        self._host.send(call.sender, PreVoteAnswer(ballot, self._node, yes, term))

    def _count(self, answer: PreVoteAnswer) -> None:
        self._told = max(self._told, answer.term)
        if self._asked and answer.ballot == self._ballot and answer.yes:
            self._in_favour |= {answer.sender}
            self._campaign_with_quorum()

    def _campaign_with_quorum(self) -> bool:
        if not self._ask.has_quorum(self._in_favour):
            return False
        self._asked = False
        self._host.input(v.ElectionTimeout())
        return True

    def _would_disturb(self, call: v.RequestVoteCall) -> bool:
        """Whether a vote is asked for while a leader is known to be alive: this node, or one that
        it has heard from within the shortest time after which a timer may run out.
        """
        if not self._ask.could_be_disruptive(call):
            return False
        return self._leads or (
            self._heard is not None and self._host.now - self._heard < self._shortest
        )
