"""A folder that grows: what is found is what an audit of all of it finds, once each."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from conformance.audit.follow import PATIENCE, Follower, Told
from conformance.audit.progress import load, save
from conformance.audit.run import audit
from conformance.cli.recordings.audit import follow_until
from conformance.trace.errors import BadTrace
from tests.audit.recordings import NODES, Whole, broken, told, write

WHOLE = Whole.of(3)
BROKEN = broken(3)


def path_of(folder: Path, node: int, seq: int) -> Path:
    return folder / f"node-{node}-{seq:020}.jsonl"


def grow(folder: Path, whole: Whole, random: Random) -> Iterator[None]:
    """Write all of a recording, some bytes at a time: after each there is something new.

    Segments begin where they may; of those that are over some are compressed, and some removed.
    """
    writers = [_grow(folder, whole, node, random) for node in whole.lines]
    while writers:
        writer = random.choice(writers)
        if next(writer, False):
            yield
        else:
            writers.remove(writer)


def _grow(folder: Path, whole: Whole, node: int, random: Random) -> Iterator[bool]:
    own = whole.lines[node]
    cuts = sorted(random.sample(whole.starts(node), 3))
    for first, end in pairwise([0, *cuts, len(own)]):
        path = path_of(folder, node, first + 1)
        content = told() + b"".join(own[first:end])
        with path.open("ab", buffering=0) as file:
            while content:
                size = random.choice((7, 300, 2000))
                file.write(content[:size])
                content = content[size:]
                yield True
        if random.random() < 0.6:
            packed = path.with_name(path.name + ".gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        yield True


def poll(follower: Follower) -> list[Told]:
    return list(follower.poll())


def kinds(found: list[Told]) -> list[str]:
    return [one.kind for one in found if one.kind != "node"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["good", "broken"])
def test_it_finds_what_an_audit_of_all_finds(name: str, seed: int, tmp_path: Path) -> None:
    whole, random = {"good": WHOLE, "broken": BROKEN}[name], Random(seed)
    folder, state = tmp_path / "recording", tmp_path / "state.json"
    folder.mkdir()
    follower, found = Follower(folder), []
    for _ in grow(folder, whole, random):
        if random.random() < 0.3:
            found += poll(follower)
        if random.random() < 0.1:  # the auditor ends, and comes up again
            save(follower, state)
            follower = load(folder, state)
    found += poll(follower) + poll(follower)
    report = audit([folder])
    assert follower.verdict == report.verdict == ("conforms" if name == "good" else "violation")
    assert [(one.property, one.node, one.seq, one.text) for one in found if one.property] == [
        (one.property, one.node, one.seq, one.detail) for one in report.problems
    ]
    assert kinds(found) == ["violation"] * len(report.problems)
    assert sorted(one.node for one in found if one.kind == "node" and one.node is not None) == [
        *range(NODES)
    ]
    assert follower.totals.events == report.events == whole.count
    assert {f"exact {name}": n for name, n in follower.exact.checked.items()} == report.checked


def test_what_has_been_judged_is_not_kept(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    for node in range(NODES):
        own, starts = WHOLE.lines[node], WHOLE.starts(node)
        paths: list[Path] = []
        for a, b in pairwise([0, *starts, len(own)]):
            paths.append(write(path_of(tmp_path, node, a + 1), own[a:b]))
            poll(follower)
            if len(paths) > 1:
                paths[-2].unlink()
    poll(follower)
    assert len(follower.files) == NODES
    assert (follower.totals.events, follower.verdict) == (WHOLE.count, "conforms")


def test_a_list_that_lacks_a_file_in_passing_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that is made while the file gets its compressed name."""
    at, own = WHOLE.starts(0)[1], WHOLE.lines[0]
    follower, over = Follower(tmp_path), write(path_of(tmp_path, 0, 1), own[:at])
    write(path_of(tmp_path, 0, at + 1), own[at:])
    poll(follower)
    with monkeypatch.context() as patched:
        patched.setattr("conformance.audit.follow.recordings", lambda folder: [])
        poll(follower)
    assert over in follower.files
    assert kinds(poll(follower)) == []
    assert (follower.verdict, follower.totals.events) == ("conforms", len(own))


def test_records_that_come_in_another_order_are_waited_for(tmp_path: Path) -> None:
    own, starts = WHOLE.lines[0], WHOLE.starts(0)
    one, two = starts[1], starts[3]
    follower = Follower(tmp_path)
    write(path_of(tmp_path, 0, 1), own[:one])
    poll(follower)
    write(path_of(tmp_path, 0, two + 1), own[two:])
    assert kinds(poll(follower)) == []
    write(path_of(tmp_path, 0, one + 1), own[one:two])
    assert kinds(poll(follower)) == []
    assert (follower.totals.events, follower.verdict) == (len(own), "conforms")


def test_what_does_not_come_is_missing_and_no_more_is_waited_for(tmp_path: Path) -> None:
    own, starts = WHOLE.lines[0], WHOLE.starts(0)
    one, two = starts[1], starts[3]
    follower = Follower(tmp_path)
    write(path_of(tmp_path, 0, 1), own[:one])
    write(path_of(tmp_path, 0, two + 1), own[two:])
    found = [poll(follower) for _ in range(PATIENCE + 3)]
    assert [kinds(each) for each in found] == [[]] * PATIENCE + [["missing"], [], []]
    [missing] = found[PATIENCE]
    assert missing.text == f"records {one + 1} to {two} of node 0"
    assert (follower.verdict, follower.totals.events) == ("inconclusive", len(own) - (two - one))
    write(path_of(tmp_path, 0, one + 1), own[one:two])  # too late
    assert kinds(poll(follower)) == ["bad_input"]


def test_a_node_may_come_late_and_in_the_middle(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    assert (poll(follower), follower.verdict) == ([], "inconclusive")
    write(path_of(tmp_path, 0, 1), WHOLE.lines[0])
    poll(follower)
    at = WHOLE.starts(1)[2]
    write(path_of(tmp_path, 1, at + 1), WHOLE.lines[1][at:])
    [late] = poll(follower)
    assert (late.kind, late.node, late.seq) == ("node", 1, at + 1)
    assert follower.verdict == "conforms"


def replaced(path: Path) -> None:
    other = path.with_name("other.tmp")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def damaged(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"{}\n")


def doubled(path: Path) -> None:
    write(path.with_name("again.jsonl"), WHOLE.lines[0][:4])


def foreign(path: Path) -> None:
    content = told().replace(b"raftbare (Python)", b"another") + WHOLE.lines[1][0]
    path.with_name("foreign.jsonl").write_bytes(content)


def elsewhere(path: Path) -> None:
    write(path.with_name("elsewhere.jsonl"), WHOLE.lines[1][:4], "payments")


def nonsense(path: Path) -> None:
    path.with_name("nonsense.jsonl").write_bytes(b"nonsense\n" * 2)


@pytest.mark.parametrize(
    ("harm", "problem"),
    [
        (replaced, "was replaced while it was followed"),
        (shortened, "was replaced while it was followed"),
        (damaged, "node is missing"),
        (doubled, "one recorder of a node"),
        (foreign, "another implementation"),
        (elsewhere, 'cluster is "payments"; expected "orders", as before'),
        (nonsense, "nonsense.jsonl:1: not JSON"),
    ],
)
def test_what_cannot_be_judged_is_told_once(harm: object, problem: str, tmp_path: Path) -> None:
    path = write(path_of(tmp_path, 0, 1), WHOLE.lines[0], "orders")
    follower = Follower(tmp_path)
    assert kinds(poll(follower)) == []
    assert callable(harm)
    harm(path)
    [found] = poll(follower)
    assert found.kind == "bad_input"
    assert problem in found.text
    assert poll(follower) == []
    assert (follower.verdict, follower.totals.events) == ("bad_input", len(WHOLE.lines[0]))


def test_a_segment_that_is_begun_anew_is_no_other_file(tmp_path: Path) -> None:
    path, follower = path_of(tmp_path, 0, 1), Follower(tmp_path)
    for content in (b"", told()[:9], told(), b"", told() + WHOLE.lines[0][0][:9]):
        path.write_bytes(content)
        assert poll(follower) == []
    write(path, WHOLE.lines[0])
    assert kinds(poll(follower)) == []
    assert follower.totals.events == len(WHOLE.lines[0])


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b'{"format":"raftbare-audit-progress","version":2}', b"\xff"],
)
def test_what_was_not_saved_by_it_is_refused(content: bytes, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(content)
    with pytest.raises(BadTrace, match=r"state\.json: .*expected "):
        load(tmp_path, state)


def test_any_part_that_is_missing_is_refused(tmp_path: Path) -> None:
    folder, state = tmp_path / "recording", tmp_path / "state.json"
    folder.mkdir()
    write(path_of(folder, 0, 1), WHOLE.lines[0])
    follower = Follower(folder)
    poll(follower)
    save(follower, state)
    saved = json.loads(state.read_bytes())
    for name in saved:
        state.write_text(json.dumps({key: saved[key] for key in saved if key != name}))
        with pytest.raises(BadTrace):
            load(folder, state)
    for name, value in saved.items():  # and edited, where it may be believed
        edited = re.sub(
            r"[0-9](?=\D*$)", lambda one: str((int(one[0]) + 1) % 10), json.dumps(value)
        )
        if edited != json.dumps(value):
            state.write_text(json.dumps(saved | {name: json.loads(edited)}))
            with pytest.raises(BadTrace):
                load(folder, state)
    state.write_text(json.dumps(saved, indent=1))
    with pytest.raises(BadTrace, match="of the folder"):
        load(tmp_path, state)
    assert load(folder, state).verdict == "conforms"


def test_the_command_looks_until_it_is_told_to_end(tmp_path: Path) -> None:
    folder, state = tmp_path / "recording", tmp_path / "state.json"
    folder.mkdir()
    found: list[Told] = []
    growth = grow(folder, BROKEN, Random(1))

    def over() -> bool:
        try:
            next(growth)
        except StopIteration:
            return True
        return False

    follow_until(Follower(folder), state, found.append, over)
    assert kinds(found) == ["violation"]
    follower = load(folder, state)
    assert (follower.verdict, follower.totals.events) == ("violation", BROKEN.count)
    follow_until(follower, state, found.append, lambda: True)
    assert kinds(found) == ["violation"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_the_verdict_so_far(number: int, tmp_path: Path) -> None:
    write(path_of(tmp_path, 1, 1), BROKEN.lines[1])
    arguments = ["audit", "--follow", "--json", "--every", "0.05", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance.cli.app", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first, second = (json.loads(process.stdout.readline()) for _ in range(2))
    assert (first["kind"], second["kind"]) == ("node", "violation")
    process.send_signal(number)
    last, _ = process.communicate(timeout=60)
    assert json.loads(last)["kind"] == "verdict"
    assert process.returncode == 1
