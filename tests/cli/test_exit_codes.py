"""What is odd about a path, a file or the output is no verdict: codes 2 and 3, never 1."""

from __future__ import annotations

import gzip
import os
import signal
import threading
from pathlib import Path

import pytest

from conformance.audit import run as audit_module
from conformance.cli.app import main
from conformance.observe.verdicts import EXIT_CODES
from conformance.trace.files import read
from tests.cli.helpers import ROOT, process, run

LONG = ROOT / "traces" / "golden" / "crashes-3n.jsonl.gz"


def unpacked(tmp_path: Path) -> Path:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(gzip.decompress(LONG.read_bytes()))
    return path


def by_node(tmp_path: Path) -> dict[int, list[bytes]]:
    """The header and the records of each node."""
    header, *lines = unpacked(tmp_path).read_bytes().splitlines(keepends=True)
    with read(tmp_path / "trace.jsonl") as reader:
        nodes = [record.node for record in reader]
    return {
        node: [header, *(line for line, at in zip(lines, nodes, strict=True) if at == node)]
        for node in sorted(set(nodes))
    }


SMALL = ("explore", "--nodes", 2, "--terms", 1, "--log", 3)


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (("audit", ROOT / "traces/golden/quiet-3n.jsonl.gz"), "conforms"),
        (("audit", ROOT / "traces/violations/index-only-vote.jsonl"), "violation"),
        (("audit", "/nowhere"), "bad_input"),
        (("replay", ROOT / "traces/golden/quiet-3n.jsonl.gz"), "conforms"),
        (("replay", "/nowhere"), "bad_input"),
        (("check", "--events", 100), "conforms"),
        (SMALL, "conforms"),
        ((*SMALL, "--seconds", 0), "inconclusive"),
        (("explore", "--only", "joining"), "bad_input"),
        (("prove", "--only", "no such"), "bad_input"),
        (("prove", "--no-cache", "--only", "equivalence/start", "--seconds", 0), "inconclusive"),
        (("mutants", "--only", "no such"), "bad_input"),
        (("mutants", "--method", "no such"), "bad_input"),
        (("mutate", "no_such_module"), "bad_input"),
        (("mutate", "--seconds", 0), "inconclusive"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(map(str, value[:3])),
)
def test_the_exit_code_is_that_of_the_verdict(arguments: tuple[object, ...], verdict: str) -> None:
    ran = run(*arguments, "--json")
    assert (ran.json["verdict"], ran.code) == (verdict, EXIT_CODES[verdict])
    assert run(*arguments).code == ran.code


# Files that do not end together


@pytest.mark.parametrize("end", [b"", b"{", b"{}\n"], ids=["early", "cut", "damaged"])
def test_a_file_that_ends_early_condemns_nobody(end: bytes, tmp_path: Path) -> None:
    files = by_node(tmp_path)
    for node, lines in files.items():
        for kept in range(2, len(lines), 5):
            paths = []
            for other, those in files.items():
                path = tmp_path / f"node{other}.jsonl"
                path.write_bytes(b"".join(those if other != node else [*lines[:kept], end]))
                paths.append(path)
            ran = run("audit", "--level", "safety", *paths, "--json")
            verdict = {b"": "conforms", b"{": "inconclusive"}.get(end, "bad_input")
            assert ran.json["verdict"] == verdict, (node, kept)


def test_where_nothing_is_missing_late_replies_are_judged(tmp_path: Path) -> None:
    found = run("audit", "--level", "safety", "--complete", unpacked(tmp_path), "--json").json
    assert found["verdict"] == "conforms"
    judged = found["checked"]["safety EveryMessageWasSent"]
    path = tmp_path / "trace.jsonl"
    assert (
        run("audit", "--level", "safety", path, "--json").json["checked"][
            "safety EveryMessageWasSent"
        ]
        <= judged
    )


# Paths


def test_a_pipe_is_audited_as_a_file_is(tmp_path: Path) -> None:
    fifo, content = tmp_path / "fifo", unpacked(tmp_path).read_bytes()
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True)
    writer.start()
    ran = run("audit", fifo, "--json")
    writer.join(10)
    assert ran.json["verdict"] == "conforms"
    assert ran.json["events"] > 256


@pytest.mark.parametrize("command", ["audit", "replay"])
def test_a_name_that_no_file_can_have(command: str) -> None:
    ran = run(command, "a" * 300, "--json")
    assert (ran.code, ran.json["verdict"]) == (2, "bad_input")


@pytest.mark.parametrize("command", ["audit", "replay"])
def test_names_and_lines_are_printed_as_they_are(command: str, tmp_path: Path) -> None:
    """Where a terminal's library would read :100: as a picture."""
    path = tmp_path / ":smile:.jsonl"
    lines = unpacked(tmp_path).read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:99], b"{}\n"]))
    ran = run(command, path)
    assert ran.code == 2
    assert f"{path}:100: " in ran.out + ran.err


# What a recording says of itself


@pytest.mark.parametrize("command", ["audit", "replay"])
def test_a_recording_does_not_write_to_the_terminal(command: str, tmp_path: Path) -> None:
    path = unpacked(tmp_path)
    with read(path) as reader:
        name = reader.header.implementation.encode()
    forged = b"\\u001b[2J\\nconforms (0.0 s)\\n" + b"x" * 100_000
    path.write_bytes(path.read_bytes().replace(name, name + forged, 1))
    said = run(command, path).out
    assert "\x1b" not in said
    assert len(said) < 1000
    header = path.read_bytes().splitlines()[0]
    path.write_bytes(header.replace(b"{", b'{"' + forged + b'":1,', 1) + b"\n")
    ran = run(command, path)
    assert ran.code == 2
    assert "\x1b" not in ran.out + ran.err
    assert len(ran.out + ran.err) < 1000


# Output


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["people", "json"])
def test_a_reader_that_went_away(flags: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        ran = process("audit", LONG, *flags, stdout=writes)
    finally:
        os.close(writes)
    assert (ran.code, ran.err) == (128 + signal.SIGPIPE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full() -> None:
    with open("/dev/full", "wb") as file:
        full = file.fileno()
        ran = process("audit", LONG, stdout=full)
        assert (ran.code, ran.err) == (2, "error: [Errno 28] No space left on device\n")
        assert process("audit", LONG, stdout=full, stderr=full).code == 2


def test_a_terminal_that_knows_no_other_letters(tmp_path: Path) -> None:
    path = tmp_path / "größe.jsonl"
    path.write_bytes(LONG.read_bytes())
    with open(tmp_path / "out", "wb") as file:
        ran = process("audit", path, stdout=file.fileno(), encoding="ascii")
    assert (ran.code, ran.err) == (0, "")
    assert b"gr\\xf6\\xdfe.jsonl" in (tmp_path / "out").read_bytes()


def test_an_error_of_its_own_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(audit_module, "audit", broken)
    monkeypatch.setattr("sys.argv", ["conformance", "audit", str(LONG)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 3
    assert "ZeroDivisionError" in capsys.readouterr().err
