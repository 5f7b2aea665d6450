#!/usr/bin/env bash
# pytest-xdist with pytest 9.2: tests of one xdist_group run in several workers.
#
# Expected: with `--dist loadgroup` all tests of an `xdist_group` run in one worker, so that a fixture
# of the module that takes minutes is made once, and what may not run side by side does not.
# Found: the mark has no effect, and nothing says so.  pytest-xdist adds the group's name to an item by
# assigning to `_nodeid`, which pytest 9.2 does not read any more; with pytest 9.1 it works.
# pytest-xdist 3.8.0, pytest 9.2.0 and 9.1.1, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and environments in it, for which it downloads both.  Exit code 0: it still
# behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > test_group.py <<'PY'
import os
from pathlib import Path

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(40))
def test_where_it_runs(number: int) -> None:
    with Path("workers.txt").open("a") as file:
        file.write(f"{os.environ['PYTEST_XDIST_WORKER']}\n")
PY
for version in 9.1.1 9.2.0; do
    "${PYTHON:-python3}" -m venv "venv-$version"
    "venv-$version/bin/pip" install --quiet --disable-pip-version-check \
        "pytest==$version" 'pytest-xdist==3.8.0'
    rm -f workers.txt
    "venv-$version/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist loadgroup test_group.py
    echo "pytest $version: one group in $(sort -u workers.txt | wc -l) workers"
    sort -u workers.txt | wc -l >> counts.txt
done
[ "$(paste -sd ' ' counts.txt)" = "1 2" ]
