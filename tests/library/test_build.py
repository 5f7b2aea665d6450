"""The build: pure Python, or the same files compiled."""

from __future__ import annotations

from pathlib import Path

import raftbare
from raftbare import node


def test_the_package_tells_whether_it_is_compiled() -> None:
    assert Path(str(node.__file__)).suffix == (".py" if not raftbare.compiled else ".so")


def test_the_sources_are_there_in_either_build() -> None:
    """Proofs run on them, and tracebacks quote them."""
    folder = Path(str(raftbare.__file__)).parent
    assert {"node.py", "rules.py", "py.typed"} <= {path.name for path in folder.iterdir()}
