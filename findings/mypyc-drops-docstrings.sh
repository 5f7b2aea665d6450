#!/usr/bin/env bash
# mypyc leaves out all docstrings.
#
# Expected: a module that mypyc compiles is the same module, only faster; so `help` shows what its
# source says.
# Found: the docstring of the module, of a method and of a function is None, that of a class is
# empty, and no warning says so.  A library that ships compiled wheels has no `help` there, and a
# doctest finds nothing to run in it.
# mypy 2.4.1, CPython 3.11, Linux; 2026-11-29.
#
# Makes a temporary folder and an environment in it, for which it downloads mypy.  Needs a C
# compiler.  Exit code 0: it still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'mypy==2.4.1' 'setuptools==84.2.1'
cd "$folder"
cat > shapes.py <<'PY'
"""What a module says of itself."""


class Circle:
    """What a class says of itself."""

    def area(self, radius: int) -> int:
        """What a method says of itself."""
        return 3 * radius * radius


def double(x: int) -> int:
    """What a function says of itself."""
    return 2 * x
PY
cat > say.py <<'PY'
import shapes

for name, it in (("module", shapes), ("class", shapes.Circle), ("method", shapes.Circle.area), ("function", shapes.double)):
    print(f"{name}: {it.__doc__!r}")
PY
echo "as source:"
"$folder/venv/bin/python" say.py
"$folder/venv/bin/mypyc" shapes.py > build.log 2>&1 || { cat build.log; exit 1; }
echo "compiled by $("$folder/venv/bin/mypy" --version):"
"$folder/venv/bin/python" say.py | tee seen
cat > expected <<'TEXT'
module: None
class: ''
method: None
function: None
TEXT
diff expected seen || exit 1
