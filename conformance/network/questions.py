"""One node, as its driver asks it: every question changes nothing."""

from __future__ import annotations

from typing import Any, Final

from conformance.subjects.asking.questions import QUESTIONS, Asked
from conformance.subjects.subject import Subject
from spec import values as v

BY_NAME: Final = {question.name: question for question in QUESTIONS}


class Questions:
    """Answers in the specification's values, whatever the subject is."""

    def __init__(self, subject: Subject, node: v.NodeId) -> None:
        self._subject = subject
        self._node = node

    def read_index(self) -> v.ReadIndex | None:
        """A read that a leader takes now; None where it cannot yet, or does not lead."""
        answer = self._ask("read_index")
        return None if isinstance(answer, v.Refused) else answer

    def is_confirmed(self, read: v.ReadIndex) -> bool | None:
        """Whether the read may be served; None where it never will be."""
        answer = self._ask("is_confirmed", read)
        return None if isinstance(answer, v.Refused) else answer

    def match(self, member: v.NodeId) -> v.Index:
        """Up to where a leader knows that a member holds its log; 0 where it knows nothing."""
        return next((one[1] for one in self._ask("progress") if one[0] == member), 0)

    def change_status(self, position: v.Position) -> str:
        """What has become of a change of membership."""
        return str(self._ask("get_change_status", position))

    def pre_vote_call(self) -> v.RequestVoteCall | None:
        """What the node would ask the others if its timer ran out; None if it would not."""
        call: v.RequestVoteCall | None = self._ask("pre_vote_call")
        return call

    def would_vote(self, call: v.RequestVoteCall) -> bool:
        """Whether the node would grant its vote."""
        return bool(self._ask("would_vote", call))

    def could_be_disruptive(self, call: v.RequestVoteCall) -> bool:
        """Whether a vote is asked of a node that knows a leader."""
        return bool(self._ask("could_be_disruptive", call))

    def has_quorum(self, nodes: frozenset[v.NodeId]) -> bool:
        """Whether these are a quorum of the configuration that is in force at the node."""
        return bool(self._ask("has_quorum", nodes))

    def _ask(self, name: str, argument: object = None) -> Any:
        return self._subject.answer(self._node, Asked(BY_NAME[name], argument))
