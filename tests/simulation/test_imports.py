"""What checks the library is light to import: only what reads or writes traces needs pydantic."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import conformance

BLOCKED = ("pydantic", "numpy", "z3", "zstandard", "rich", "typer")


@pytest.mark.parametrize("room", ["observe", "subjects", "simulation"])
def test_a_room_is_imported_without_third_parties(room: str) -> None:
    path = f"{conformance.__path__[0]}/{room}"
    modules = [f"conformance.{room}.{module.name}" for module in pkgutil.iter_modules([path])]
    assert len(modules) > 3
    blocking = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED}))"
    imports = "\n".join(f"import {module}" for module in modules)
    ran = subprocess.run(
        [sys.executable, "-c", f"{blocking}\n{imports}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0
