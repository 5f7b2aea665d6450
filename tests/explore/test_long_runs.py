"""Long runs: budgets, spilling to disk, checkpoints, and going on after a kill."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from conformance.explore.search import run as run_module
from conformance.explore.search import store
from conformance.explore.search.run import Options, Report, explore
from conformance.explore.search.store import BadCheckpoint
from conformance.explore.search.visited import Visited
from conformance.explore.states.bounds import Bounds

BOUNDS = Bounds(terms=2, log=3, in_flight=1, crashes=1)
FEW = Bounds(terms=1, log=2, in_flight=1)


def options(**changes: object) -> Options:
    return Options(BOUNDS, library=None, eventually=False, **changes)  # type: ignore[arg-type]


def counted(report: Report) -> tuple[object, ...]:
    assert report.complete
    return (
        report.verdict,
        report.distinct,
        report.generated,
        report.layers,
        report.transitions,
        report.witnesses,
        report.rules,
        report.cut_by,
    )


@pytest.fixture(scope="module")
def whole() -> tuple[object, ...]:
    report = explore(options())
    assert report.generated > report.distinct > 10_000
    return counted(report)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_counts_are_the_same_on_any_number_of_cores(
    whole: tuple[object, ...], workers: int
) -> None:
    assert counted(explore(options(workers=workers))) == whole


def test_past_its_time_a_run_is_inconclusive_and_says_what_it_covered() -> None:
    report = explore(options(seconds=0.0))
    assert (report.verdict, report.complete) == ("inconclusive", False)
    assert report.stopped_by == "the time given"
    assert report.layers == [1]


def test_the_time_is_that_of_the_ways_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(options: Options, report: Report, visited: Visited | None = None) -> str | None:
        return None if report.liveness is None else "the time given"

    monkeypatch.setattr(run_module, "_exhausted", spent)
    report = explore(replace(options(), eventually=True))
    assert (report.verdict, report.complete) == ("inconclusive", True)
    assert report.stopped_by == "the time given"


def test_past_its_memory_a_run_is_inconclusive() -> None:
    report = explore(options(megabytes=1))
    assert (report.verdict, report.stopped_by) == ("inconclusive", "the memory of 1 MB")


def test_what_was_visited_goes_to_disk_and_the_counts_stay(
    monkeypatch: pytest.MonkeyPatch, whole: tuple[object, ...]
) -> None:
    spilled: list[int] = []
    spill = Visited.spill

    def note(visited: Visited, depth: int) -> None:
        spilled.append(depth)
        spill(visited, depth)

    def short(options: Options, report: Report, visited: Visited) -> None:
        visited.spill(report.depth)

    monkeypatch.setattr(Visited, "spill", note)
    monkeypatch.setattr(run_module, "_exhausted", short)
    assert counted(explore(options())) == whole
    assert len(set(spilled)) > 10


def test_memory_in_use_decides_whether_to_spill(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report(options(megabytes=1000))
    for megabytes, visited_megabytes, spills, stops in (
        (400, 300, False, False),
        (600, 300, True, False),
        (600, 10, False, False),
        (1100, 10, False, True),
    ):
        spilled: list[int] = []

        class Fake:
            nbytes = visited_megabytes << 20

            def spill(self, depth: int, spilled: list[int] = spilled) -> None:
                spilled.append(depth)

        monkeypatch.setattr(run_module, "memory", lambda used=megabytes: used << 20)
        stopped = run_module._exhausted(report.options, report, Fake())  # type: ignore[arg-type]
        assert (bool(spilled), stopped is not None) == (spills, stops)


def test_a_checkpoint_of_a_complete_run_has_its_counts(
    tmp_path: Path, whole: tuple[object, ...]
) -> None:
    path = tmp_path / "run.sqlite3"
    assert counted(explore(options(checkpoint=path))) == whole
    again = explore(options(checkpoint=path))
    assert again.resumed_at == again.depth
    assert counted(again) == whole


def explore_up_to(depth: int, options: Options) -> None:
    class Stopped(Exception):  # noqa: N818
        pass

    def stop(report: Report) -> None:
        if report.depth == depth:
            raise Stopped

    with pytest.raises(Stopped):
        explore(options, stop)


@pytest.mark.parametrize("depth", [1, 9, 15])
def test_a_run_goes_on_from_any_depth(
    tmp_path: Path, whole: tuple[object, ...], depth: int
) -> None:
    path = tmp_path / "run.sqlite3"
    explore_up_to(depth, options(checkpoint=path, workers=1))
    report = explore(options(checkpoint=path, workers=2))
    assert report.resumed_at == depth
    assert counted(report) == whole


KILLED = """
import sys, time
from pathlib import Path
from conformance.explore.search import run
from tests.explore.test_long_runs import options

def slowly(report):
    print(report.depth, flush=True)
    time.sleep(0.05)

run.explore(options(checkpoint=Path(sys.argv[1])), slowly)
"""


def test_a_killed_run_goes_on_with_the_same_counts(
    tmp_path: Path, whole: tuple[object, ...]
) -> None:
    """kill -9 half-way, wherever that is."""
    path = tmp_path / "run.sqlite3"
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        deadline = time.monotonic() + 60
        for line in process.stdout:
            if int(line) >= 8 or time.monotonic() > deadline:
                break
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
    report = explore(options(checkpoint=path))
    assert report.resumed_at is not None
    assert 7 <= report.resumed_at < report.depth
    assert counted(report) == whole


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The checkpoint of a run whose time was up at once."""
    path = tmp_path / "run.sqlite3"
    explore(options(checkpoint=path, seconds=0.0))
    return path


def test_other_bounds_do_not_go_on_from_it(stopped: Path) -> None:
    for other in (
        Options(Bounds(terms=1), library=None, checkpoint=stopped),
        options(checkpoint=stopped, symmetry=False),
        Options(BOUNDS, checkpoint=stopped, eventually=False),
    ):
        with pytest.raises(BadCheckpoint, match=r"run\.sqlite3: made with .*, this run has"):
            explore(other)


def test_other_sources_do_not_go_on_from_it(stopped: Path) -> None:
    with sqlite3.connect(stopped) as file:
        (about,) = file.execute("SELECT value FROM about WHERE key = 'about'").fetchone()
        changed = json.dumps({**json.loads(about), "sources": "other"})
        row = (changed, zlib.crc32(changed.encode()))
        file.execute("UPDATE about SET value = ?, sum = ? WHERE key = 'about'", row)
    with pytest.raises(BadCheckpoint, match="made with sources other"):
        explore(options(checkpoint=stopped))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but something worth keeping\n" * 100, encoding="utf-8")
    with pytest.raises(BadCheckpoint, match=r"notes\.txt: .*expected a file of an exploration"):
        explore(options(checkpoint=path))
    assert "worth keeping" in path.read_text(encoding="utf-8")


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("this must not run",)


def test_a_checkpoint_cannot_run_code(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(stopped) as file:
        data = zlib.compress(pickle.dumps([Evil()]))
        row = (data, zlib.crc32(data))
        file.execute("UPDATE vals SET data = ?, sum = ? WHERE name = 'members'", row)
    with pytest.raises(BadCheckpoint, match="is no value of an exploration"):
        explore(options(checkpoint=stopped))
    assert capsys.readouterr().out == ""


def test_a_checkpoint_is_one_runs(tmp_path: Path) -> None:
    """Two runs that go on from one file take each other's states for visited."""
    path = tmp_path / "run.sqlite3"
    few = replace(options(checkpoint=path), bounds=FEW)
    refused: list[str] = []

    def meanwhile(_: object) -> None:
        with pytest.raises(BadCheckpoint) as caught:
            explore(few)
        refused.append(str(caught.value))

    first = explore(replace(few, seconds=0.0), meanwhile)
    assert first.stopped_by is not None
    assert refused[0] == f"{path}: process {os.getpid()} is exploring with it"
    assert counted(explore(few)) == counted(explore(replace(few, checkpoint=None)))
    assert not list(tmp_path.glob("*.lock"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, object]:
    """The checkpoint of a run that was cut off, and what is counted in all."""
    path = tmp_path_factory.mktemp("whole") / "run.sqlite3"
    cut_off = replace(options(checkpoint=path), bounds=FEW)
    explore_up_to(6, cut_off)
    return path.read_bytes(), counted(explore(replace(cut_off, checkpoint=None)))


def test_a_damaged_checkpoint_is_told(made: tuple[bytes, object], tmp_path: Path) -> None:
    """Wherever it is damaged: it is refused in one line, or the damage makes no difference."""
    whole, counts = made
    random, refused = Random(0), 0
    data = [match.end() for match in re.finditer(rb"\x78\x01|<u8|<i8|in_flight|members", whole)]
    for number in range(200):
        path = tmp_path / f"{number}.sqlite3"
        contents = bytearray(whole)
        at = random.choice(data) if number % 2 else random.randrange(len(contents))
        contents[at : at + 8] = random.randbytes(8)
        path.write_bytes(contents[: random.choice((None, None, None, at))])
        try:
            assert counted(explore(replace(options(checkpoint=path), bounds=FEW))) == counts
        except BadCheckpoint:
            refused += 1
    assert refused > 100


def test_what_is_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    for path in (Path(os.devnull), tmp_path):
        with pytest.raises(BadCheckpoint, match="expected a file of an exploration, or none"):
            explore(options(checkpoint=path))
    assert not Path(f"{os.devnull}.lock").exists()


def test_a_checkpoint_that_could_not_be_begun_leaves_nothing(
    tmp_path: Path, whole: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk; and what has no table yet, as of a run that was killed, is begun anew."""
    path = tmp_path / "run.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(store, "_TABLES", "CREATE TABLE about (key TEXT); CREATE")
        with pytest.raises(BadCheckpoint):
            explore(options(checkpoint=path))
    assert list(tmp_path.iterdir()) == []
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA journal_mode=WAL")
    file.close()
    assert path.stat().st_size > 0
    assert counted(explore(options(checkpoint=path))) == whole
    assert [one.name for one in tmp_path.iterdir()] == ["run.sqlite3"]
