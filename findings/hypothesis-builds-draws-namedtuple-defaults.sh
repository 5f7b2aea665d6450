#!/usr/bin/env bash
# hypothesis: `builds` draws the fields of a NamedTuple that have a default, those of others not.
#
# Expected: `builds` infers strategies for what is required, and leaves the rest at its default,
# whatever the target is: a function, a class, a dataclass, a NamedTuple.
# Found: for a NamedTuple the fields with a default are drawn as well.  So a strategy that named all
# fields goes on without a word when a field with a default is added, and begins to make values that
# its author did not mean: negative numbers, for example, where only counts make sense.
# hypothesis 6.170.15, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads hypothesis.  Exit code 0:
# it still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'hypothesis==6.170.15'
cd "$folder"
cat > draws.py <<'PY'
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import find, settings, strategies as st
from hypothesis.errors import NoSuchExample


class Tuple(NamedTuple):
    length: int
    skipped: int = 0


@dataclass
class Data:
    length: int
    skipped: int = 0


class Plain:
    def __init__(self, length: int, skipped: int = 0) -> None:
        self.length, self.skipped = length, skipped


for target in (Tuple, Data, Plain):
    try:
        find(
            st.builds(target, st.just(1)),
            lambda made: made.skipped != 0,
            settings=settings(database=None, derandomize=True, deadline=None),
        )
        print(f"{target.__name__}: the default is drawn over")
    except NoSuchExample:
        print(f"{target.__name__}: always the default")
PY
"$folder/venv/bin/python" draws.py | tee seen
cat > expected <<'TEXT'
Tuple: the default is drawn over
Data: always the default
Plain: always the default
TEXT
diff expected seen
