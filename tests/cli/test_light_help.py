"""What a command or a room loads: its help no room at all, and a room no more than it needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from conformance.cli.app import app
from tests.cli.helpers import ROOT

HEAVY = ("cosmic_ray", "numpy", "pydantic", "rich", "typer", "z3", "zstandard")
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


def loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded at the end of a program."""
    program += "\nimport json, sys\nprint('\\n' + json.dumps(list(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = json.loads(ran.stdout.splitlines()[-1])
    return set(names)


def test_these_are_the_commands() -> None:
    from conformance.cli.app import app

    assert sorted(str(command.name) for command in app.registered_commands) == list(COMMANDS)


def test_help_loads_no_room() -> None:
    """Typer itself loads pydantic, so that is no sign; `conformance.trace` is what needs it."""
    program = "from conformance.cli.app import app\n" + "".join(
        f"try: app([{command!r}, '--help'])\nexcept SystemExit as end: assert not end.code\n"
        for command in COMMANDS
    )
    modules = loaded(program)
    assert modules.isdisjoint({*HEAVY, "raftbare"} - {"pydantic", "rich", "typer"})
    of_spec = {name for name in modules if name.split(".")[0] == "spec"}
    assert of_spec == {"spec", "spec.log", "spec.values"}, (
        "an exploration's bounds have the limits' defaults"
    )
    rooms = {name for name in modules if name.startswith("conformance.")}
    assert {name for name in rooms if not name.startswith("conformance.cli")} == {
        "conformance.explore",
        "conformance.explore.states",
        "conformance.explore.states.bounds",
        "conformance.observe",
        "conformance.observe.failed",
        "conformance.observe.limits",
        "conformance.observe.verdicts",
        "conformance.release",
        "conformance.release.levels",
        "conformance.simulation",
    }
    assert not any(name.startswith("conformance.cli.report") for name in rooms)


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("observe.finding", ()),
        ("symbolic.paths", ("z3",)),
        ("subjects.rebuild", ()),
        ("trace.records", ("pydantic", "zstandard")),
        ("simulation.check", ()),
        ("audit.run", ("pydantic", "zstandard")),
        ("explore.search.suite", ("numpy",)),
        ("prove.runner.run", ("pydantic", "z3")),
        ("mutants.planted.catalogue", ()),
        ("mutants.mechanical.survivors", ("pydantic",)),
        ("release.certificate", ()),
        ("release.verify", ("pydantic", "zstandard")),
    ],
)
def test_a_room_loads_what_it_needs(module: str, needs: tuple[str, ...]) -> None:
    assert loaded(f"import conformance.{module}") & set(HEAVY) <= set(needs)
