"""What is known of a log that shows its length: its terms follow from what it took, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.audit.run import audit
from conformance.audit.safety.findings import Findings
from conformance.audit.safety.partial.following import FollowedLog
from conformance.audit.safety.partial.log import PartialLog, Run
from conformance.audit.safety.partial.mail import Mail
from conformance.importers.importer import message
from conformance.trace.moments import Moment, SeenMessage
from conformance.trace.vocabulary import Position
from tests.importers import stories
from tests.importers.stories import write


def call(
    term: int, index: int, log_term: int, entries: int, last: int | None = None
) -> SeenMessage:
    fields: dict[str, Any] = {"index": index, "log_term": log_term, "entries": entries}
    fields |= {"entries_term": last, "commit_index": 0}
    return message(type="append_entries_call", sender=1, to=2, term=term, **fields)


def reply(term: int, index: int) -> SeenMessage:
    fields = {"index": index, "granted": True}
    return message(type="append_entries_reply", sender=2, to=1, term=term, **fields)


class Followed:
    def __init__(self, last: int, committed: int = 0) -> None:
        self.said: list[tuple[int, int, int | None]] = []
        self.log = FollowedLog(Mail(Findings()), lambda *told: self.said.append(told))
        self.log.come_up(last, committed)
        self.shows(last)

    def shows(self, last: int, term: int = 2, led: bool = False, **more: Any) -> None:
        moment = Moment(node=2, seq=1, last_index=last, **more)
        self.log.show(moment, term, led, self.log.committed)

    @property
    def terms(self) -> list[int | None]:
        return [self.log.log.term(index) for index in range(1, self.log.log.last + 1)]


def test_a_leader_grows_its_log_in_its_term() -> None:
    node = Followed(1)
    node.shows(3, led=True)
    assert node.terms == [None, 2, 2]


def test_a_call_is_taken_once_the_length_says_so() -> None:
    node = Followed(2)
    node.log.receive(call(2, 2, 1, 2, last=2), 2)
    node.shows(2)
    assert node.terms == [None, None]
    node.shows(4)
    assert node.terms == [None, 1, None, 2]  # the term may change at either of the two


def test_terms_cannot_fall_in_between() -> None:
    node = Followed(1)
    node.log.receive(call(2, 1, 2, 3), 2)
    node.shows(4)
    assert node.terms == [2, 2, 2, 2]


def test_it_may_be_taken_in_parts() -> None:
    node = Followed(0)
    node.log.receive(call(2, 0, 0, 2, last=2), 2)
    node.shows(1)
    node.shows(2)
    assert node.terms == [None, 2]


def test_a_call_that_is_ignored_adds_nothing() -> None:
    node = Followed(10, committed=10)
    node.log.learn(10, 1)
    node.log.receive(call(2, 6, 2, 25), 2)
    node.shows(10)
    node.log.acknowledge(reply(2, 10))
    assert node.terms == [None] * 9 + [1]


def test_a_log_of_the_same_length_may_have_other_entries() -> None:
    node = Followed(1)
    node.shows(2, term=1, led=True)
    assert node.terms == [None, 1]
    node.log.receive(call(2, 1, 1, 1, last=2), 2)
    assert node.terms == [None, None]
    node.log.acknowledge(reply(2, 2))
    assert node.terms == [1, 2]


def test_what_is_of_an_earlier_term_changes_nothing() -> None:
    node = Followed(1)
    node.shows(2, led=True)
    node.log.receive(call(1, 1, 1, 1), 2)
    assert node.terms == [None, 2]


def test_a_call_beyond_the_log_is_not_what_it_grew_by() -> None:
    """A snapshot took its place."""
    node = Followed(1)
    node.shows(3, led=True)
    node.log.receive(call(3, 7, 3, 1), 3)
    node.shows(8, term=3, snapshot_position=Position(term=3, index=8))
    assert node.terms == [None] * 7 + [3]
    assert node.log.jumped


def test_a_log_that_shrinks_may_have_other_entries_too() -> None:
    node = Followed(1, committed=1)
    node.shows(4, led=True)
    node.shows(3, term=3)
    assert node.terms == [None, None, None]


def test_a_committed_entry_of_another_term_is_told() -> None:
    node = Followed(2, committed=2)
    node.log.learn(2, 1)
    node.log.learn(2, 2)
    assert node.said == [(2, 1, None), (2, 2, 1)]


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_lengths_cost_nothing(size: int) -> None:
    log = PartialLog()
    log.reset(size)
    log.put(size // 2, [Run(3, 7)])
    assert [log.term(size // 2 + n) for n in range(5)] == [None, 7, 7, 7, None]
    assert log.between(0, size) == [
        Run(size // 2, None),
        Run(3, 7),
        Run(size - size // 2 - 3, None),
    ]
    assert log.chain() == (None, size + 1)


def test_a_last_term_shown_is_held_against_what_is_acknowledged(tmp_path: Path) -> None:
    """A follower shows another term at the index up to which it commits and acknowledges."""
    lines = stories.hashicorp()
    told = next(
        line
        for line in lines
        if line.get("event", {}).get("name") == "HandleAppendEntriesRequest"
        and line["event"]["state"]["commitIndex"] == line["event"]["state"]["lastLogIndex"]
    )
    told["event"]["state"]["lastLogTerm"] = 1
    report = audit([write(tmp_path / "recording.ndjson", lines)])
    assert [problem.property for problem in report.problems] == ["StateMachineSafety"]


def test_a_snapshot_that_is_sent_tells_of_what_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "recording.ndjson"
    shows: dict[str, Any] = {"commit": 3, "log": 4, "vote": "1", "role": "Leader"}
    for index, found in ((3, []), (4, ["CommittedOnQuorum"])):
        sent = stories.etcd_message("MsgSnap", "1", "3", index=index, logTerm=1)
        line = stories.etcd_line("SendAppendEntriesRequest", "1", 1, msg=sent, **shows)
        after = stories.etcd_line("Ready", "1", 1, **shows)
        report = audit([write(path, [*stories.etcd(), line, after])])
        assert [problem.property for problem in report.problems] == found
