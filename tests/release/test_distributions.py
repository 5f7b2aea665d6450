"""The two distributions: what they are called, hold and need, and what is said where that lacks."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import raftbare
from conformance.cli import terminal
from conformance.cli.app import app
from conformance.release import collection

ROOT = Path(__file__).parents[2]
HARNESS = ROOT / "packaging" / "conformance"


def project(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


LIBRARY = project(ROOT / "pyproject.toml")
CHECKS = project(HARNESS / "pyproject.toml")


def test_both_have_one_version() -> None:
    assert LIBRARY["project"]["version"] == raftbare.__version__
    assert CHECKS["project"]["version"] == raftbare.__version__
    assert f"raftbare=={raftbare.__version__}" in CHECKS["project"]["dependencies"]


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert f"raftbare {raftbare.__version__}" in result.stdout


def test_the_second_needs_what_the_checkout_names() -> None:
    groups = LIBRARY["dependency-groups"]
    extras = CHECKS["project"]["optional-dependencies"]
    assert set(groups["audit"]) <= set(CHECKS["project"]["dependencies"])
    explore = {one for one in groups["explore"] if isinstance(one, str)}
    prove = {one for one in groups["prove"] if isinstance(one, str)}
    assert set(extras["explore"]) == explore
    assert set(extras["prove"]) == explore | prove


def test_its_folders_are_those_of_the_repository() -> None:
    for name in ("spec", "conformance", "traces"):
        assert (HARNESS / name).resolve() == ROOT / name


def test_outside_of_a_checkout_the_installed_recordings_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert collection.collection() == Path("traces")
    monkeypatch.setattr(collection, "INSTALLED", tmp_path)
    assert collection.collection() == tmp_path


COMMANDS = {
    "numpy": ["explore"],
    "z3": ["prove"],
    "junitparser": ["check", "--junit", "x.xml"],
    "distributed": ["check", "--scheduler", "tcp://127.0.0.1:1"],
}


@pytest.mark.parametrize("name", terminal.EXTRAS)
def test_what_a_command_lacks_is_named_with_what_installs_it(name: str) -> None:
    """An exploration where numpy is not installed, a proof where z3 is not."""
    extra = terminal.EXTRAS[name]
    program = (
        f"import sys; sys.modules[{name!r}] = None; sys.argv = {['conformance', *COMMANDS[name]]};"
        "from conformance.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"pip install 'raftbare-conformance[{extra}]'" in line
