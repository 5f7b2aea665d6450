"""The library, by random calls in both builds: the same comes of each, whatever it is handed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.cli.helpers import ROOT

COMPILED: Final = ROOT / "build" / "compiled"
CALLS: Final = 1500


def is_built() -> bool:
    """Whether there is a compiled build to compare with (`make test-compiled`)."""
    return any(COMPILED.glob("raftbare/*.so"))


def made(seed: int, count: int, path: str) -> Iterator[list[Any]]:
    """What came of each call, in the build that is found there."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tests.fuzz.calls", str(seed), str(count)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    if done.returncode != 0:
        yield [f"ended with {done.returncode}", "", "", "", done.stderr[-500:]]
    first, *lines = done.stdout.splitlines() or ["{}"]
    if json.loads(first) != {"compiled": bool(path)}:
        yield ["it is another build", "", "", "", first]
    for line in lines:
        yield json.loads(line)


def alike(told: object) -> str:
    """A truth is a number to the pure build where a number is expected."""
    return re.sub(r"\bFalse\b", "0", re.sub(r"\bTrue\b", "1", str(told)))


def calls(random: Random, _: Path, count: int = CALLS) -> list[str]:
    """Refused calls change nothing; where there is a compiled build, it does the same."""
    seed = random.randrange(2**32)
    pure = list(made(seed, count, ""))
    found = [f"{one[0]}({one[1]}): {one[4]}" for one in pure if one[4]]
    if is_built():
        compiled = list(made(seed, count, str(COMPILED)))
        if len(pure) != len(compiled):
            found.append(f"{len(pure)} calls, compiled {len(compiled)}")
        for one, other in zip(pure, compiled, strict=False):
            if alike(one) != alike(other):
                found.append(f"pure {one}, compiled {other}"[:2000])
                break
    return found
