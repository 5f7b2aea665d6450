#!/usr/bin/env bash
# z3's statistic "rlimit count" is that of the whole context, the limit "rlimit" that of one check.
#
# Expected: a solver that was given so much may have used that much at the most, so the statistic of
# a fresh solver says what its own check took, and may be held against its limit.
# Found: each new solver's statistic goes on where that of the one before it ended, beyond its own
# limit from the second on, though each of them stops after as much work.  Who reads it to choose a
# limit, or to share out a budget, has to take the difference before and after.
# z3-solver 5.4.1.0, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads z3-solver.  Exit code 0:
# it still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'z3-solver==5.4.1.0'
cat > "$folder/count.py" <<'PY'
import z3

LIMIT = 400_000
counts = []
for turn in range(4):
    solver = z3.Solver()
    solver.set("rlimit", LIMIT)
    holes = [z3.Int(f"pigeon{n}") for n in range(9)]
    solver.add(z3.Distinct(*holes), *[z3.And(0 <= hole, hole < 8) for hole in holes])
    answer = solver.check()
    counts.append(solver.statistics().get_key_value("rlimit count"))
    print(f"solver {turn + 1}, limit {LIMIT}: {answer}, rlimit count {counts[-1]}")
    assert answer == z3.unknown
spent = [later - earlier for earlier, later in zip(counts, counts[1:])]
assert all(LIMIT <= one < 1.01 * LIMIT for one in spent), spent
assert counts[-1] > 3 * LIMIT
PY
"$folder/venv/bin/python" "$folder/count.py"
