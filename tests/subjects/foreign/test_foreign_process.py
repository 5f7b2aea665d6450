"""A process that fails is a finding of its own kind, and never a failure of the harness."""

from __future__ import annotations

import os
import pickle
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.observe.finding import Difference, name_of
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import Options, check
from conformance.simulation.foreign.judging import judging
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.process import (
    BadAnswerError,
    HungError,
    SubjectError,
    SubjectProcess,
)
from conformance.subjects.foreign.protocol import OFFER, read_answer, read_hello
from spec.values import Start
from tests.cli.helpers import ROOT

BAD = Path(__file__).with_name("badly_behaved.py")
START = b'{"node":0,"event":{"kind":"start"}}'


def command(way: str) -> str:
    return shlex.join([sys.executable, str(BAD), way])


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[SubjectProcess]:
    """One that has said hello."""
    process = SubjectProcess(command(request.param))
    process.ask(OFFER)
    assert read_hello(process.answer()).implementation == "bad"
    yield process
    process.close()


FAILURES = [
    ("hangs", "Hang", "no answer within"),
    ("dies", "Death", "ended with exit status 7; it said: out of luck"),
    ("is killed", "Death", "ended with signal SIGKILL"),
    ("floods", "Flood", "a line of more than 16777216 bytes"),
    ("answers twice", "Flood", "wrote more than an answer"),
    ("talks", "BadAnswer", "not JSON"),
    ("invents", "BadAnswer", "outcome is 7"),
    ("drains nothing", "BadAnswer", "actions is missing"),
    ("is huge", "BadAnswer", "commit_index is 18446744073709551616"),
]


@pytest.mark.parametrize(("process", "name", "told"), FAILURES, indirect=["process"])
def test_each_failure_has_a_name_and_says_what_happened(
    process: SubjectProcess, name: str, told: str
) -> None:
    process.ask(START)
    if name == "Hang":
        process.seconds = 0.3  # it does hang, however long that is
    with pytest.raises(SubjectError) as caught:
        read_answer(process.answer(), Start(), drained=True)
    finding = caught.value.finding(0, Start())
    assert name_of(finding) == name
    assert told in str(finding.found)


@pytest.mark.parametrize("process", ["complains"], indirect=True)
def test_what_it_says_besides_is_no_answer_and_blocks_nobody(process: SubjectProcess) -> None:
    for _ in range(3):
        process.ask(START)
        assert read_answer(process.answer(), Start(), drained=True).actions == ()


def test_many_long_requests_and_answers_may_be_under_way() -> None:
    """More than the pipes hold, in both directions."""
    process = SubjectProcess("cat")
    lines = [b"%d" % number + b"x" * 50_000 for number in range(64)]
    for line in lines:
        process.ask(line)
    assert [process.answer() for _ in lines] == lines
    process.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A program that hangs, and one end of a pipe of which a child of it alone holds the other."""
    os.mkfifo(tmp_path / "held")
    ours = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    starter = (
        "import subprocess as s\n"
        f"p = s.Popen(['sleep', '600'], stdout=open({str(tmp_path / 'held')!r}, 'wb'))\n"
        "print('started', flush=True)\n"
        "p.wait()\n"
    )
    yield python(starter), ours
    os.close(ours)


def has_ended(ours: int) -> bool:
    poll = select.poll()
    poll.register(ours, 0)
    return poll.poll(60_000) == [(ours, select.POLLHUP)]


def test_closing_ends_what_hangs_and_what_it_has_started(held: tuple[str, int]) -> None:
    process = SubjectProcess(held[0])
    process.ask(b"")
    assert process.answer() == b"started"
    process.close()
    assert has_ended(held[1])


def test_a_harness_that_is_killed_leaves_no_subject_behind(held: tuple[str, int]) -> None:
    harness = (
        "import os, signal\n"
        "from conformance.subjects.foreign.process import SubjectProcess\n"
        f"process = SubjectProcess({held[0]!r})\n"
        "process.ask(b'')\n"
        "process.answer()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", harness], cwd=ROOT, check=False)
    assert ran.returncode == -signal.SIGKILL
    assert has_ended(held[1])


@pytest.mark.parametrize(
    ("hello", "told"),
    [
        (b"{}", "its hello: format is missing"),
        (b"hello", "its hello: not JSON"),
        (b'{"format":"raftbare-subject","version":2,"implementation":"x","lacks":[]}', "is 2"),
        (
            b'{"format":"raftbare-subject","version":1,"implementation":"x","lacks":["snapshot"]}',
            "lacks[0] is",
        ),
    ],
)
def test_a_hello_that_says_nothing_known_is_refused(hello: bytes, told: str) -> None:
    with pytest.raises(BadAnswerError) as caught:
        read_hello(hello)
    assert told in str(caught.value)
    with pytest.raises(BadAnswerError):
        Host(python(f"print({hello.decode()!r}); input(); input()"))


@pytest.mark.parametrize("level", ["exact", "safety"])
def test_a_process_that_dies_is_begun_anew_for_each_run(level: AuditLevel) -> None:
    with Host(command("dies")) as host:
        found = check(judging(Options(nodes=2, shrink_seconds=0.0), host, level)).found
    assert found is not None
    assert name_of(found.finding) == "Death"
    assert isinstance(found.finding, Difference)
    assert found.finding.event == Start()


def test_hurry_ends_with_the_search() -> None:
    with Host(command("hangs"), seconds=50.0) as host:
        process = host.begin()
        with host.searching() as clock:
            assert process.seconds == 2.0
            process.seconds, begun = 0.3, clock()
            process.ask(START)
            with pytest.raises(HungError):
                process.answer()
            assert clock() >= begun + 0.3
        assert process.seconds == 50.0


def test_what_is_sent_to_a_worker_has_a_process_of_its_own_there() -> None:
    with Host(command("complains")) as host:
        there = pickle.loads(pickle.dumps(host))
        assert there is not host
        assert pickle.loads(pickle.dumps(host)) is there  # with the next task
        assert there.begin() is not host.begin()
        with Host(command("complains")) as other:  # of the next command
            assert pickle.loads(pickle.dumps(other)) is not there
        assert there.begin().unanswered == 0  # it would start again
        there.end()
