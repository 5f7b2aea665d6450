"""The build: pure Python, or the same files compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import raftbare
from raftbare import node


def test_the_package_tells_whether_it_is_compiled() -> None:
    assert Path(str(node.__file__)).suffix == (".py" if not raftbare.compiled else ".so")


def test_the_sources_are_there_in_either_build() -> None:
    """Proofs run on them, and tracebacks quote them."""
    folder = Path(str(raftbare.__file__)).parent
    assert {"node.py", "rules.py", "py.typed"} <= {path.name for path in folder.iterdir()}


def test_the_library_needs_nothing_that_the_compiler_came_with(tmp_path: Path) -> None:
    """Neither build: a compiled one asks for `mypy_extensions` as well, and does without."""
    code = (
        "import sys; sys.modules['mypy_extensions'] = None\n"
        "import raftbare\n"
        "node = raftbare.Node.start(raftbare.NodeId(0))\n"
        "print(node.create_cluster([node.id]).index, len(list(node.actions)))\n"
    )
    assert raftbare.__file__ is not None
    found = str(Path(raftbare.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": found},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "1 6\n"
