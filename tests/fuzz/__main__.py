"""`python -m tests.fuzz --seed 7 --seconds 3600`: trials until the time is up, of all kinds.

What is wrong is told with the line that shows it again.  Exit code 1 where something is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.kinds import KINDS, SHARES


def trial(seed: int, number: int, only: str | None = None) -> tuple[str, list[str]]:
    """Its kind, and what is wrong.  All of it follows from the seed, the number and the kind."""
    kinds = [name for name in KINDS for _ in range(SHARES.get(name, 1))]
    kind = Random(f"{seed} {number}").choice(kinds) if only is None else only
    with tempfile.TemporaryDirectory() as folder:
        return kind, KINDS[kind](Random(f"{seed} {number} {kind}"), Path(folder))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="by the clock; default 60")
    parser.add_argument("--count", type=int, help="so many trials at most")
    parser.add_argument("--trial", type=int, help="only this one")
    parser.add_argument("--only", choices=list(KINDS), help="only this kind")
    given = parser.parse_args(arguments)
    ended = time.monotonic() + given.seconds
    done: Counter[str] = Counter()
    bad = 0
    number = given.trial or 0
    while time.monotonic() < ended and (given.count is None or done.total() < given.count):
        kind, wrong = trial(given.seed, number, given.only)
        done[kind] += 1
        for one in wrong:
            bad += 1
            print(
                f"{one}\n  python -m tests.fuzz --seed {given.seed} --trial {number} --only {kind}"
            )
        if given.trial is not None:
            break
        number += 1
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(done.items()))
    print(f"{done.total()} trials ({counts}): {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
