"""A minute of the fuzzer, of all kinds; and that its oracle sees what it is to see."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import oracle
from tests.fuzz.__main__ import main, trial
from tests.fuzz.kinds import KINDS
from tests.fuzz.oracle import command

COUNTS = {"trace": 40, "cut": 20, "checkpoint": 2, "kept": 100, "protocol": 200, "stopped": 4}


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
        (dies, "ended with -9"),
    ],
    ids=["code", "traceback", "left", "changed", "talks", "dies"],
)
def test_the_oracle_sees_it(
    program: Callable[[], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").write_text("this", encoding="utf-8")
    monkeypatch.setattr(oracle, "main", exits(0))
    assert command(tmp_path).wrong() == []
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
