"""Servers in processes of their own, killed with signal 9 as they write; all records are found.

More by hand: `python -m tests.recorder.crashes FOLDER KILLS SEED`, and audit FOLDER/recording.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from conformance.audit.run import audit
from tests.recorder.crashes import Servers


def run(folder: Path, seed: int, kills: int, fault: str = "none", lives: int = 60) -> Path:
    servers = Servers(folder, seed, kills, fault, segment=4096, lives=lives)
    try:
        servers.run()
    finally:
        servers.stop()
    assert servers.killed >= kills
    return folder / "recording"


def test_whenever_a_server_is_killed_its_recording_conforms(tmp_path: Path) -> None:
    recording = run(tmp_path, seed=1, kills=12)
    report = audit([recording])
    assert (report.problems, report.missing, report.verdict) == ([], [], "conforms")
    assert len(report.files) > 3 + 12
    restarts = 0
    for path in recording.iterdir():
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in data.splitlines(keepends=True)[1:]:
            if line.endswith(b"\n"):
                restarts += json.loads(line)["event"]["kind"] == "restart"
    assert restarts >= 6  # others died before they had recorded that they came up
    assert audit([recording], "safety").problems == []


@pytest.mark.parametrize("fault", ["vote", "tail", "late"])
def test_a_drivers_fault_is_found_in_what_its_server_recorded(fault: str, tmp_path: Path) -> None:
    report = audit([run(tmp_path, seed=1, kills=4, fault=fault)])
    assert report.verdict == "violation"
    assert {problem.property for problem in report.problems} == {"RestartFromDisk"}
