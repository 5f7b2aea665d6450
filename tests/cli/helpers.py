"""The command line, run within the tests' process or in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import typer.main
import typer.testing
from typer.testing import CliRunner

from conformance.cli.app import app
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.simulation import check
from conformance.subjects.patched import patched_library

ROOT = Path(__file__).resolve().parents[2]
built = cache(typer.main.get_command)
"""All commands, made once: it takes longer than most of them do, and a runner makes them each time.
"""


@dataclass(frozen=True)
class Ran:
    """A command that came to its end."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be one JSON object and nothing else."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


def given(arguments: tuple[object, ...]) -> list[str]:
    """A command line.  No page of a recording is left in the checkout, unless it is told where."""
    words = list(map(str, arguments))
    leaves_page = words[:1] in (["audit"], ["linearize"]) and "--out" not in words
    return [*words, "--no-page"] if leaves_page else words


def run(*arguments: object) -> Ran:
    """Whatever a command does, it does not raise, and says nothing of a traceback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", built)
        result = CliRunner().invoke(app, given(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.output
    return Ran(result.exit_code, result.stdout, result.stderr)


def process(
    *arguments: object,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    encoding: str = "utf-8",
) -> Ran:
    """The same as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "conformance.cli.app", *given(arguments)],
        cwd=ROOT,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        text=True,
        timeout=100,
    )
    out, err = done.stdout or "", done.stderr or ""
    assert "Traceback" not in out + err
    return Ran(done.returncode, out, err)


DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


def shown(page: str | Path) -> dict[str, Any]:
    """What a page of a run shows."""
    (data,) = DATA.findall(Path(page).read_text(encoding="utf-8"))
    value = json.loads(data)
    assert isinstance(value, dict)
    return value


@contextmanager
def with_mutant(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """`check`, with the library's copy that lacks a decision in the library's place."""
    with patched_library(*IN_LIBRARY[name]) as copy, monkeypatch.context() as patch:
        options = partial(check.Options, run=check.against_library(copy), shrink_seconds=2.0)
        patch.setattr(check, "Options", options)
        yield
