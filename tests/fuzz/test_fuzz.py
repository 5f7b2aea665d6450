"""A minute of the fuzzer, of all kinds; and that its oracle sees what it is to see."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import library, oracle
from tests.fuzz.__main__ import main, trial
from tests.fuzz.kinds import KINDS
from tests.fuzz.library import alike, is_built, made
from tests.fuzz.oracle import World, command

COUNTS = {
    "trace": 20, "cut": 10, "show": 10, "foreign": 6, "history": 8, "checkpoint": 1, "cache": 60,
    "certificate": 10, "trials": 1, "protocol": 150, "requests": 5, "answers": 1, "library": 1,
    "odd": 10, "stopped": 4, "full": 4,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_bad(kind: str) -> None:
    for number in range(COUNTS.get(kind, 3)):
        assert trial(1, number, kind) == (kind, []), f"--seed 1 --trial {number} --only {kind}"


def exits(code: int) -> Callable[[], None]:
    return lambda: sys.exit(code)


def raises() -> None:
    raise ZeroDivisionError


def leaves() -> None:
    Path("left").touch()
    sys.exit(0)


def changes() -> None:
    Path("given").write_text("other", encoding="utf-8")
    sys.exit(0)


def talks() -> None:
    print("x" * 200_000)
    sys.exit(0)


def orders() -> None:
    print("\x1b[31m")
    sys.exit(0)


def writes() -> None:
    with Path("given").open("ab") as file:
        file.truncate(0)
        file.write(b"half of it" * 100)
    sys.exit(0)


def dies() -> None:
    os.kill(os.getpid(), 9)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (exits(4), "ended with 4"),
        (raises, "a traceback"),
        (leaves, "left or changed left"),
        (changes, "left or changed given"),
        (talks, "bytes of output"),
        (orders, "an order to the terminal"),
        (dies, "ended with -9"),
    ],
    ids=["code", "traceback", "left", "changed", "talks", "orders", "dies"],
)
def test_the_oracle_sees_it(
    program: Callable[[], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").write_text("this", encoding="utf-8")
    monkeypatch.setattr(oracle, "main", exits(0))
    assert command(tmp_path).wrong() == []
    assert command(tmp_path, world=World(closed=(0, 1, 2), encoding="ascii")).wrong() == []
    monkeypatch.setattr(oracle, "main", program)
    assert any(said in one for one in command(tmp_path).wrong())


@pytest.mark.parametrize("only", [(), ("--only", "cut")])
def test_what_is_bad_is_told_with_the_line_that_shows_it_again(
    only: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in KINDS:
        monkeypatch.setitem(KINDS, kind, lambda random, _: [f"wrong: {random.random()}"])
    assert main([*only, "--count", "3", "--seed", "5"]) == 1
    said = capsys.readouterr().out
    line = next(one for one in said.splitlines() if "--trial 2" in one)
    assert main(line.split()[3:]) == 1
    assert capsys.readouterr().out.splitlines()[0] in said


def test_a_trial_follows_from_its_number() -> None:
    seen: list[float] = []

    def note(random: Random, _: Path) -> list[str]:
        seen.append(random.random())
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "cut", note)
        for number in (1, 2, 1):
            trial(3, number, "cut")
    assert seen[0] == seen[2] != seen[1]


def test_a_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what writes in place is seen to leave half of it."""
    (tmp_path / "given").write_text("this", encoding="utf-8")
    monkeypatch.setattr(oracle, "main", writes)
    ended = command(tmp_path, world=World(file_size=500))
    assert ended.left == ("given",)
    assert len((tmp_path / "given").read_bytes()) == 500


def test_few_files_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opens() -> None:
        held = [os.open("/dev/null", os.O_RDONLY) for _ in range(50)]
        sys.exit(len(held))

    monkeypatch.setattr(oracle, "main", opens)
    assert "Too many open files" in command(tmp_path, world=World(files=40)).err


def test_builds_that_differ_are_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    same = ["push", "[1]", "returned None", "", ""]
    other = ["push", "[1]", "TypeError", "", ""]
    changed = ["push", "[1]", "TypeError", "", "it changed"]
    told: dict[str, list[list[str]]] = {}
    monkeypatch.setattr(
        library, "made", lambda _seed, _count, path: iter(told["pure" if not path else "compiled"])
    )
    monkeypatch.setattr(library, "is_built", lambda: True)
    for pure, compiled, bad in (
        (same, same, 0),
        (same, other, 1),
        (changed, changed, 1),
    ):
        told |= {"pure": [same, pure], "compiled": [same, compiled]}
        assert len(library.calls(Random(1), tmp_path)) == bad
    told["compiled"] = [same]
    assert len(library.calls(Random(1), tmp_path)) == 2


def test_calls_follow_from_their_seed_and_are_of_every_kind() -> None:
    first, again = ([alike(one) for one in made(7, 400, "")] for _ in range(2))
    assert first == again
    assert len(first) == 400
    told = " ".join(first)
    for part in ("TypeError", "NotLeaderError", "CodecError", "returned", "drain", "restart"):
        assert part in told


@pytest.mark.skipif(not is_built(), reason="there is no compiled build (make test-compiled)")
def test_both_builds_are_asked() -> None:
    assert len(list(made(7, 50, str(library.COMPILED)))) == 50
