"""The pytest plugin: a project holds its own Raft, or its driver of raftbare, to the specification.

    pytest_plugins = ["conformance.kit.plugin"]      in a conftest.py

    @pytest.mark.raft_subject(command="./my_raft", events=5_000)
    def test_my_raft(raft_report):
        assert raft_report.witnesses["LeaderElected"] > 100

    def test_my_nodes(check_subject):
        check_subject(subject=MyNodes, level="exact")

A finding fails the test, and says by which events; its trace is in the test's `tmp_path`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

import pytest
from rich.console import Console

from conformance.cli.report.check import print_check
from conformance.observe.verdicts import AuditLevel
from conformance.simulation.check import Options, Report, check
from conformance.simulation.foreign.judging import judging, not_judged
from conformance.subjects.foreign.host import Host
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.foreign.process import ANSWER_SECONDS
from conformance.subjects.subject import Subject
from conformance.trace.model import Feature
from conformance.trace.save import save

MARKER = "raft_subject"


class CheckSubject(Protocol):
    def __call__(
        self,
        command: str | None = None,
        *,
        subject: Callable[[], Subject] | None = None,
        level: AuditLevel = "safety",
        events: int = 5_000,
        seed: int = 0,
        nodes: int | None = None,
        lacks: Collection[Feature] = (),
        answer_seconds: float = ANSWER_SECONDS,
    ) -> Report:
        """Check a subject: a `command` that speaks the subject protocol, or what `subject` makes.

        `events` inputs are drawn from `seed`, for clusters of `nodes`, or of sizes that are drawn.
        `lacks`: features that are left out.  Fails the test where something is found.
        """


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARKER}(command=None, *, subject, level, events, seed, nodes, lacks, answer_seconds): "
        "the subject that raft_report checks",
    )


@pytest.fixture
def check_subject(tmp_path: Path) -> CheckSubject:
    """Checks a subject, and fails where something is found."""

    def run(
        command: str | None = None,
        *,
        subject: Callable[[], Subject] | None = None,
        level: AuditLevel = "safety",
        events: int = 5_000,
        seed: int = 0,
        nodes: int | None = None,
        lacks: Collection[Feature] = (),
        answer_seconds: float = ANSWER_SECONDS,
    ) -> Report:
        options = Options(seed=seed, events=events, nodes=nodes)
        if (command is None) == (subject is None):
            raise TypeError("a command or a subject is expected, and not both")
        if subject is not None:
            local = LocalHost(subject, getattr(subject, "__name__", "subject"), lacks)
            return _judged(options, local, level, lacks, tmp_path)
        with Host(command or "", answer_seconds) as host:
            return _judged(options, host, level, lacks, tmp_path)

    return run


@pytest.fixture
def raft_report(request: pytest.FixtureRequest, check_subject: CheckSubject) -> Report:
    """What comes of checking the subject that the test's marker `raft_subject` names."""
    marker = request.node.get_closest_marker(MARKER)
    if marker is None:
        raise pytest.UsageError(f"raft_report needs @pytest.mark.{MARKER}(...)")
    return check_subject(*marker.args, **marker.kwargs)


def _judged(
    options: Options,
    host: Host | LocalHost,
    level: AuditLevel,
    lacks: Collection[Feature],
    folder: Path,
) -> Report:
    report = check(judging(options, host, level, lacks))
    report.not_judged = not_judged(host, level, lacks)
    found = report.found
    if found is not None:
        trace = folder / f"seed{options.seed}-episode{found.episode}.jsonl"
        save(trace, found.recorder.records, found.nodes, host.hello.implementation)
        console = Console(file=io.StringIO(), width=120)
        print_check(console, report, trace, seen=False)
        assert isinstance(console.file, io.StringIO)
        pytest.fail(console.file.getvalue(), pytrace=False)
    return report
