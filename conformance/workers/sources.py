"""Which sources decide what comes of a task."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path


@cache
def sources() -> str:
    """A digest of the specification, the library and the checks, as this process has them."""
    root = Path(__file__).parents[2]
    build = "compiled" if import_module("raftbare").compiled else "pure"
    return digest_of((root / name for name in ("conformance", "raftbare", "spec")), build)


def digest_of(folders: Iterable[Path], build: str = "") -> str:
    """Of all Python files in these folders, by their paths there."""
    digest = hashlib.sha256(build.encode())
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder.parent).as_posix()
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
