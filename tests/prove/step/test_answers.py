"""Every question is proved to be answered alike, and a wrong answer is refuted."""

from __future__ import annotations

from typing import Final

import pytest

from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.step.answers import obligations, servers
from conformance.subjects.asking.questions import QUESTIONS
from conformance.subjects.patched import Patch, patched_library

SLIPS: Final = {
    "get_commit_status": Patch(
        "questions",
        "        if position.term < entries._term(self._commit_index):\n",
        "        if position.term <= entries._term(self._commit_index):\n",
    ),
    "get_change_status": Patch(
        "questions",
        "position.index < index <= self._commit_index for",
        "position.index < index for",
    ),
    "read_index": Patch(
        "questions",
        "MessageSeqNo(self._seqno + 1), self._commit_index",
        "self._seqno, self._commit_index",
    ),
    "is_confirmed": Patch(
        "questions", "return read.seqno <= self.confirmed", "return read.seqno < self.confirmed"
    ),
    "pre_vote_call": Patch(
        "questions",
        "header = MessageHeader(self._id, Term(self._current_term + 1), MessageSeqNo(0))",
        "header = MessageHeader(self._id, self._current_term, MessageSeqNo(0))",
    ),
    "would_vote": Patch(
        "questions",
        "return call.last_position >= self._log.last_position",
        "return call.last_position > self._log.last_position",
    ),
    "could_be_disruptive": Patch(
        "questions",
        "        if message.term <= self._current_term:\n",
        "        if message.term < self._current_term:\n",
    ),
    "progress": Patch(
        "questions", "        if next_index <= snapshot:\n", "        if next_index < snapshot:\n"
    ),
    "transfer_target": Patch(
        "questions", "return role.transfer if isinstance(role, Leader) else None", "return None"
    ),
}
"""A slip in each answer."""


def proved(question: str, subjects: Subjects) -> Result:
    (obligation,) = [one for one in obligations("quick") if one.name == f"answer/{question}"]
    return obligation.prove(subjects)


def test_every_question_is_asked() -> None:
    asked = {name for name, (of, _) in servers(full=False).items() if of}
    names = {question.name for question in QUESTIONS}
    assert asked == names - {"has_quorum", "to_joint_consensus"} == SLIPS.keys()


@pytest.mark.parametrize("question", SLIPS)
def test_a_wrong_answer_is_refuted_and_replays(question: str) -> None:
    with patched_library(SLIPS[question]) as broken:
        result = proved(question, Subjects(library=broken))
    assert result.result == "refuted"
    assert result.found is not None
    assert result.found.replays
    assert "found" in result.found.what
    assert proved(question, Subjects()).result == "proved"


def test_a_question_that_changes_the_node_is_refuted() -> None:
    counts = Patch(
        "questions",
        "        role, entries = self._role, self._log.entries\n",
        "        role, entries = self._role, self._log.entries\n        self._seqno += 1\n",
    )
    with patched_library(counts) as broken:
        result = proved("progress", Subjects(library=broken))
    assert result.result == "refuted"
    assert "has changed the node" in result.detail
