#!/usr/bin/env bash
# mypyc turns True into 1 where it passes through a variable of type int.
#
# Expected: a bool is an int, so mypy accepts it for one; and what a compiled function is handed it
# hands back, as its source does.
# Found: compiled, a bool that goes through an `int` argument, or a tuple or list of `int`, comes out
# as 0 or 1.  It is equal to what went in, so comparisons and dictionaries do not tell; JSON does,
# which then has a number where the source writes true.  Through `object` it stays what it is.
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
cat > through.py <<'PY'
def an_int(value: int) -> int:
    return value


def a_pair(value: int) -> tuple[int, int]:
    pair = (value, 7)
    return pair


def an_object(value: object) -> object:
    return value
PY
cat > say.py <<'PY'
import json

import through

for function in (through.an_int, through.a_pair, through.an_object):
    print(f"{function.__name__}: {json.dumps(function(True))}")
PY
echo "as source:"
"$folder/venv/bin/python" say.py
"$folder/venv/bin/mypyc" through.py > build.log 2>&1 || { cat build.log; exit 1; }
rm through.py
echo "compiled by $("$folder/venv/bin/mypy" --version):"
"$folder/venv/bin/python" say.py | tee seen
cat > expected <<'TEXT'
an_int: 1
a_pair: [1, 7]
an_object: true
TEXT
diff expected seen || exit 1
