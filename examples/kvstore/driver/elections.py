"""Timers (§5.2), pre-vote (dissertation, §9.6) and check quorum (§6.2).

The last two belong together: who lets servers ignore requests for votes has to let leaders step
down, or one that only a minority hears is kept for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from raftbare import (
    Message,
    MessageHeader,
    MessageSeqNo,
    NodeId,
    RequestVoteCall,
    Term,
)

from .context import Context
from .letters import PreVote, PreVoteAnswer


@dataclass(frozen=True, slots=True)
class _Unanswered:
    """A leader's call that no quorum has answered yet."""

    term: Term
    number: MessageSeqNo
    since: float


class Elections:
    """When the node is told that its timer has run out, and when it steps down."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.deadline = inf
        self._heard = -inf  # when a leader was heard from
        self._ballot = 0
        self._asked = False  # whether the answers to the ballot are counted
        self._in_favour: frozenset[NodeId] = frozenset()
        self._told = Term(0)  # the latest term that an answer came with
        self._unanswered: _Unanswered | None = None

    def set_timer(self) -> None:
        """As `SetElectionTimeout` asks.  What was asked before is void: the node has voted, or
        heard from a leader.
        """
        self._asked = False
        settings = self._context.settings
        if self._context.leads:
            self.deadline = self._context.now + settings.heartbeat
        else:
            wait = settings.election_timeout * (1 + self._context.random.random())
            self.deadline = self._context.now + wait

    def timer_ran_out(self) -> None:
        """A node campaigns only once a quorum has said that it would vote for it."""
        node = self._context.node
        call = node.pre_vote_call()
        if call is None:  # a leader shows that it is alive; who may not campaign does nothing
            node.handle_election_timeout()
            return
        # Who has fallen behind in its term would be told no for ever, though its log may be the
        # only one that can win: it asks for a term that is new to all who have answered.
        term = max(call.term, Term(self._told + 1))
        header = MessageHeader(call.sender, term, call.seqno)
        self.set_timer()
        self._ballot += 1
        self._asked = True
        self._in_favour = frozenset({node.id})
        if not self._campaign_with_quorum():
            voters = node.config.voters | node.config.new_voters
            asked = sorted(voters - {node.id})
            pre_vote = PreVote(self._ballot, RequestVoteCall(header, call.last_position))
            self._context.outbox.send(asked, pre_vote)

    def was_asked(self, sender: NodeId, letter: PreVote) -> None:
        node, call = self._context.node, letter.call
        yes = node.would_vote(call) and not self.would_disturb(call)
        self._context.send(sender, PreVoteAnswer(letter.ballot, yes, node.current_term))

    def was_answered(self, sender: NodeId, answer: PreVoteAnswer) -> None:
        self._told = max(self._told, answer.term)
        if self._asked and answer.ballot == self._ballot and answer.yes:
            self._in_favour |= {sender}
            self._campaign_with_quorum()

    def _campaign_with_quorum(self) -> bool:
        node = self._context.node
        if not node.config.has_quorum(self._in_favour):
            return False
        self._asked = False
        node.handle_election_timeout()
        return True

    def heard_from_leader(self) -> None:
        self._heard = self._context.now

    def would_disturb(self, message: Message) -> bool:
        """Whether a vote is asked for while a leader is known to be alive (§6, last paragraph)."""
        if not self._context.node.could_be_disruptive(message):
            return False
        since = self._context.now - self._heard
        return self._context.leads or since < self._context.settings.election_timeout

    # Check quorum

    def called_all(self, number: MessageSeqNo) -> None:
        """A leader has sent this call to all others."""
        if self._unanswered is None:
            term = self._context.node.current_term
            self._unanswered = _Unanswered(term, number, self._context.now)

    def check_quorum(self) -> None:
        """Step down if no quorum has answered a call within an election timeout."""
        waiting, node = self._unanswered, self._context.node
        if waiting is None:
            return
        leads = self._context.leads and node.current_term == waiting.term
        if not leads or node.confirmed >= waiting.number:
            self._unanswered = None
        elif self._context.now - waiting.since >= self._context.settings.election_timeout:
            self._unanswered = None
            node.step_down()
