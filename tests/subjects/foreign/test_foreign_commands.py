"""`conformance check --subject` and `conformance subject`, as programs that speak to each other."""

from __future__ import annotations

import json
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from conformance.audit.run import audit
from conformance.simulation import check as module
from conformance.simulation.check import Options, check
from conformance.simulation.foreign.judging import judging
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.serve import BadRequestError, serve
from conformance.subjects.subject import SpecSubject
from conformance.workers.pool import Workers
from tests.cli.helpers import ROOT, run

OURS = shlex.join([sys.executable, "-m", "conformance.cli.app", "subject"])
RAFT_C = ROOT / "examples" / "subjects" / "raft.c"


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def compiled(folder: Path, *options: str) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = folder / "raft"
    warnings = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-O1")
    subprocess.run([compiler, *warnings, *options, "-o", program, RAFT_C], check=True)
    return program


@pytest.mark.parametrize("which", ["raftbare", "spec"])
def test_ours_are_served(which: str, tmp_path: Path) -> None:
    level = "exact" if which == "raftbare" else "safety"
    subject = f"{OURS} {which}"
    ran = run("check", "--subject", subject, "--level", level, "--events", 300, "--out", tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert "conforms" in ran.out
    assert ("not judged: ReadIndexSafe" in ran.out) == (level == "safety")


def test_a_finding_is_printed_and_its_trace_says_whose_it_is(tmp_path: Path) -> None:
    subject = f"{OURS} spec --mutant vote-not-persisted"
    ran = run("check", "--subject", subject, "--json", "--out", tmp_path, "--nodes", 3)
    assert ran.code == 1, ran.out + ran.err
    assert ran.json["finding"]["property"] == "VotePersistedBeforeReply"
    header = json.loads(Path(ran.json["trace"]).read_text().splitlines()[0])
    assert header["implementation"].startswith("spec ")
    assert header["implementation"].endswith(", vote-not-persisted")
    audited = audit([Path(ran.json["trace"])], level="safety")
    assert "VotePersistedBeforeReply" in {problem.property for problem in audited.problems}


def test_the_raft_in_c_conforms(tmp_path: Path) -> None:
    program = compiled(tmp_path)
    ran = run("check", "--subject", program, "--events", 2_000, "--out", tmp_path)
    assert ran.code == 0, ran.out + ran.err
    assert "snapshots" in ran.out.split("not judged: ")[1]


def test_its_bug_is_found_as_the_document_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(tmp_path, "-DSTALE_VOTES")
    monkeypatch.chdir(tmp_path)
    ran = run("check", "--subject", "./raft")
    assert ran.code == 1, ran.out + ran.err
    document = (ROOT / "docs" / "subjects.md").read_text("utf-8")
    shown = document.split("$ conformance check --subject ./raft\n")[1].split("```")[0]
    printed = " ".join(re.sub(r"[\d.]+ s,", "", ran.out).split())
    for line in shown.splitlines():
        words = " ".join(re.sub(r"[\d.]+ s,", "", line).removesuffix("...)").split())
        assert words == "..." or words in printed, line
    again = run("check", "--subject", "./raft", "--seed", 0, "--episode", 2, "--level", "safety")
    assert "ElectedByQuorum" in again.out


def test_a_late_call_makes_pysyncobj_take_back_what_it_has_committed(tmp_path: Path) -> None:
    """On a network that reorders messages, for which it is not made."""
    pytest.importorskip("pysyncobj", reason="of the dependency group bench")
    adapter = shlex.join([sys.executable, "examples/subjects/pysyncobj_subject.py"])
    options = ("--events", 100, "--json", "--out", tmp_path)
    ran = run("check", "--subject", f"{adapter} --any-network", *options)
    assert ran.code == 1, ran.out + ran.err
    assert ran.json["finding"]["property"] == "CommitMonotonic"
    ran = run("check", "--subject", adapter, *options)
    assert ran.code == 0, ran.out + ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--subject", "/no/such/program"), "does not start"),
        (("--subject", "true"), "ended with exit status 0"),
        (("--subject", "echo hello"), "its hello: not JSON"),
        (("--subject", ""), "does not start"),
        (("--subject", "true", "--live"), "expected one of them"),
        (("--subject", "true", "--without", "snapshot"), "expected one of restarts, snapshots"),
        (("--level", "exact"), "expected --subject"),
    ],
)
def test_what_is_no_subject_is_refused(options: tuple[str, ...], told: str) -> None:
    ran = run("check", *options)
    assert ran.code == 2
    assert told in ran.err


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["hello"], "the offer: not JSON"),
        (
            ['{"format":"raftbare-subject","versions":[2]}'],
            "versions [2] are offered; expected one",
        ),
        ([..., "{}"], "a request: node is missing"),
        ([..., '{"node":0,"event":{"kind":"heartbeat"}}'], "expected a node that was started"),
        ([..., '{"node":0,"drain":false}'], "neither an event nor a drain"),
    ],
)
def test_what_is_no_request_ends_a_subject(lines: list[object], told: str) -> None:
    offer = '{"format":"raftbare-subject","versions":[1]}'
    text = "".join(f"{offer if line is ... else line}\n" for line in lines)
    with pytest.raises(BadRequestError) as caught:
        serve(SpecSubject(), "spec", BytesIO(text.encode()), BytesIO())
    assert told in str(caught.value)


def test_a_subject_that_is_told_nonsense_says_so_and_ends() -> None:
    command = [sys.executable, "-W", "error", "-m", "conformance.cli.app", "subject", "spec"]
    ran = subprocess.run(command, input="hello\n", capture_output=True, text=True, timeout=100)
    assert ran.returncode == 2
    assert "the offer: not JSON" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_there_is_no_such_mutant() -> None:
    ran = run("subject", "raftbare", "--mutant", "no-such")
    assert ran.code == 2
    assert "raftbare has no mutant no-such" in ran.err


class Elsewhere(Executor):
    """A worker of this process, to which everything is sent."""

    def submit(self, fn: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        fn, given, named = pickle.loads(pickle.dumps((fn, given, named)))
        future: Future[Any] = Future()
        future.set_result(fn(*given, **named))
        return future


@pytest.mark.parametrize("options", [(), ("-DSTALE_VOTES",)])
def test_workers_find_with_processes_of_their_own_what_one_finds(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SMALL", 0)
    begun: list[str] = []
    with Host(str(compiled(tmp_path, *options))) as host:
        asked = judging(Options(events=900, shrink_seconds=0.0), host, "safety")
        alone = check(asked)
        host.end()
        if not options:  # what is found is shown by this process
            monkeypatch.setattr(host, "begin", lambda: begun.append("here"))
        shared = check(asked, workers=Workers(Elsewhere(), 2))
    assert begun == []
    assert shared.as_json() | {"seconds": 0} == alone.as_json() | {"seconds": 0}
    assert (alone.found is not None) == bool(options)
