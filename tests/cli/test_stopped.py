"""A signal that asks a command to end: what was covered is told, code 130, and nothing is left.

The command sends it to itself, when it says how far it is, so that no time is measured.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

import conformance
from conformance.audit.run import AuditReport
from conformance.cli.app import app
from conformance.cli.terminal import INTERRUPTED, STOPS
from conformance.workers.pool import Workers
from tests.cli.helpers import ROOT

PROGRAM: Final = """
import os, signal, sys
from contextlib import contextmanager
from conformance.cli import terminal

bar, left = terminal._bar, int(os.environ["TELLS"])

@contextmanager
def telling(console, said, quiet):
    with bar(console, said, quiet) as tell:
        def told(*said):
            global left
            tell(*said)
            left -= 1
            if left == 0:
                for name in os.environ["SIGNALS"].split():
                    to = os.killpg if os.environ["GROUP"] else os.kill
                    to(os.getpid(), getattr(signal, name))
        yield told

terminal._bar = terminal._lines = telling
from conformance import main
if __name__ == "__main__":  # workers import this as well
    main()
"""


@dataclass(frozen=True)
class Stopped:
    code: int
    out: str
    err: str
    left: list[str]
    """Files in its folder for temporary ones."""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def stopped(
    folder: Path, *arguments: object, signals: str = "SIGTERM", tells: int = 1, group: bool = False
) -> Stopped:
    """Its workers have its output open: that they are gone is why this comes back."""
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:  # of a short name: it will hold a socket
        return _stopped(program, Path(temporary), arguments, signals, tells, group)


def _stopped(
    program: Path,
    temporary: Path,
    arguments: tuple[object, ...],
    signals: str,
    tells: int,
    group: bool,
) -> Stopped:
    done = subprocess.run(
        [sys.executable, str(program), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(temporary),
            "SIGNALS": signals,
            "TELLS": str(tells),
            "GROUP": "1" * group,
        },
        text=True,
        timeout=100,
        start_new_session=True,
    )
    assert "Traceback" not in done.stderr
    left = [path.name for path in temporary.rglob("*")]
    return Stopped(done.returncode, done.stdout, done.stderr, left)


SMALL: Final = ("explore", "--nodes", 2, "--terms", 1, "--log", 3)
COMMANDS: Final = {
    "check": (("check", "--workers", 2), 1, "interrupted: checking: "),
    "check, alone": (("check", "--workers", 1), 1, "interrupted: checking: "),
    "explore": (("explore", "--preset", "quick"), 3, "interrupted: elections: depth 2, "),
    "prove": (("prove", "--no-cache", "--workers", 2), 1, "interrupted: proving: 0 of "),
    "campaign": (("campaign", "--workers", 2), 1, "interrupted: campaign: 1 of 100 tasks, "),
    "measure": (("measure",), 1, "interrupted: measuring steady (0%)"),
    "mutants": (("mutants", "--only", "vote", "--method", "audit"), 1, "interrupted: 1 of "),
    "verify": (("verify",), 1, "interrupted: checking: "),
    "certify": (("certify",), 1, "interrupted: "),
    "audit": (("audit", "traces/golden/crashes-3n.jsonl.gz"), 1, "interrupted: auditing ("),
    "replay": (("replay", "traces/golden/crashes-3n.jsonl.gz"), 1, "interrupted: replaying: 256 e"),
}


@pytest.mark.parametrize(
    ("command", "signals"),
    [
        *((command, "SIGTERM") for command in COMMANDS if command != "mutants"),
        *((command, "SIGINT") for command in ("check", "explore", "prove", "mutants")),
    ],
)
def test_a_command_that_is_stopped_tells_what_it_covered(
    command: str, signals: str, tmp_path: Path
) -> None:
    arguments, tells, told = COMMANDS[command]
    ran = stopped(tmp_path, *arguments, signals=signals, tells=tells, group=signals == "SIGINT")
    assert ran.code == INTERRUPTED == 130
    assert ran.err.splitlines()[-1].startswith(told)
    assert len(ran.err.splitlines()) == 1
    assert ran.left == []
    if command != "prove":  # which has a report, of all that was not proved
        assert ran.out == ""


def test_audits_work_in_the_processes_of_all_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which no Ctrl-C reaches, whatever they are at, and which are gone with this one."""
    given: list[object] = []

    def audit(*arguments: object) -> AuditReport:
        given.extend(arguments)
        return AuditReport()

    monkeypatch.setattr("conformance.audit.run.audit", audit)
    result = CliRunner().invoke(app, ["audit", "--workers", "2", "traces/golden/quiet-3n.jsonl.gz"])
    assert result.exit_code == 3
    assert [one.count for one in given if isinstance(one, Workers)] == [2]


def test_what_reads_the_output_is_told_too(tmp_path: Path) -> None:
    ran = stopped(tmp_path, "check", "--workers", 1, "--json")
    assert (ran.code, ran.err) == (INTERRUPTED, "")
    assert ran.json["verdict"] == "inconclusive"
    assert ran.json["interrupted"].startswith("checking: ")


def test_the_same_signal_again_does_not_cut_the_cleaning_short(tmp_path: Path) -> None:
    ran = stopped(tmp_path, "explore", "--preset", "quick", signals="SIGINT SIGINT SIGTERM")
    assert (ran.code, ran.left) == (INTERRUPTED, [])


def test_a_checkpoint_is_gone_on_from_after_a_signal(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    bounds = (*SMALL, "--checkpoint", path)
    assert stopped(tmp_path, *bounds, tells=6).code == INTERRUPTED
    assert {one.name for one in tmp_path.iterdir()} == {"kept", "program.py"}
    again = stopped(tmp_path, *bounds, "--json", tells=10_000)
    assert again.code == 0
    assert again.json["runs"]["bounds"]["resumed_at"] > 0


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ran = stopped(tmp_path, "check", "--events", 50, "--workers", 1, signals="SIGHUP")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ran.code == 0


def test_a_command_that_is_being_loaded_ends_at_once() -> None:
    program = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'conformance.cli.app': os.kill(os.getpid(), signal.SIGINT)\n"
        "from conformance import main\n"
        "sys.meta_path.insert(0, Finder())\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, timeout=100
    )
    assert done.returncode == INTERRUPTED
    assert done.stderr == b"interrupted: before anything was judged\n"


def test_both_places_mean_the_same_signals() -> None:
    assert conformance.STOPS == STOPS
