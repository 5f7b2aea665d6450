"""A subject between a harness and a good subject, which damages some of the answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
GOOD = [sys.executable, "-m", "conformance.cli.app", "subject", "raftbare"]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    from tests.fuzz.damage import changed, in_json

    random = Random(int(sys.argv[1]))
    rate = random.choice([0.0, 0.001, 0.01, 0.1, 1.0])
    good = subprocess.Popen(
        GOOD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ}
    )
    assert good.stdin is not None
    assert good.stdout is not None
    for request in sys.stdin.buffer:
        good.stdin.write(request)
        good.stdin.flush()
        answer = good.stdout.readline()
        if random.random() < rate:
            answer = random.choice([changed, in_json])(random, answer)
        if random.random() < rate / 10:
            break
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    good.stdin.close()
    good.wait()


if __name__ == "__main__":
    main()
