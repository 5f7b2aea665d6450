#!/usr/bin/env bash
# mypyc evaluates the bound of a slice twice.
#
# Expected: a compiled module does what its source does.
# Found: `items[: bound()]` calls `bound` twice, compiled, where mypyc knows nothing of what `items`
# is (`Any`), and once of a list.  The result is the same, so that nothing tells, unless the bound
# counts, draws a random number or reads from an iterator: then all that comes after it differs.
# mypy 2.4.1, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads mypy.  Needs a C
# compiler.  Exit code 0: it still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'mypy==2.4.1' 'setuptools==84.2.1'
cd "$folder"
cat > slices.py <<'PY'
from typing import Any


def bound(calls: list[int]) -> int:
    calls.append(1)
    return 2


def of_anything(items: Any, calls: list[int]) -> Any:
    return items[: bound(calls)]


def of_a_list(items: list[int], calls: list[int]) -> list[int]:
    return items[: bound(calls)]
PY
cat > say.py <<'PY'
import slices

for function in (slices.of_anything, slices.of_a_list):
    calls: list[int] = []
    result = function([5, 6, 7], calls)
    print(f"{function.__name__}: {result}, bound called {len(calls)}")
PY
echo "as source:"
"$folder/venv/bin/python" say.py
"$folder/venv/bin/mypyc" slices.py > build.log 2>&1 || { cat build.log; exit 1; }
rm slices.py
echo "compiled by $("$folder/venv/bin/mypy" --version):"
"$folder/venv/bin/python" say.py | tee seen
cat > expected <<'TEXT'
of_anything: [5, 6], bound called 2
of_a_list: [5, 6], bound called 1
TEXT
diff expected seen || exit 1
