#!/usr/bin/env bash
# ruff, rule UP028: a loop that yields the rows of a sqlite3 cursor, rewritten, closes the cursor.
#
# Expected: `yield from rows` is a shorter way to write `for row in rows: yield row`, where nothing is
# sent to the generator.
# Found: a generator that delegates calls `close` of what it delegates to when it is closed itself,
# and a cursor of sqlite3 has one.  So who leaves the generator early has a cursor that is closed, and
# where the connection was closed first, closing the generator fails.  The loop does neither.  ruff
# offers the rewriting as one of its unsafe fixes, for another reason: what may be sent.
# ruff 0.17.6, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads ruff.  Exit code 0: it
# still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'ruff==0.17.6'
cd "$folder"
cat > rows.py <<'PY'
def rows(cursor):
    for row in cursor:
        yield row
PY
cp rows.py rewritten.py
"$folder/venv/bin/ruff" check --quiet --isolated --select UP028 --fix --unsafe-fixes rewritten.py
cat > leave.py <<'PY'
import sqlite3

import rewritten
import rows

for name, module in (("the loop", rows), ("rewritten", rewritten)):
    for first in ("generator", "connection"):
        connection = sqlite3.connect(":memory:")
        cursor = connection.execute("VALUES (1), (2), (3)")
        generator = module.rows(cursor)
        next(generator)
        if first == "connection":
            connection.close()
        try:
            generator.close()
            left = next(cursor) if first == "generator" else "nothing to ask"
            print(f"{name}, the {first} closed first: {left}")
        except sqlite3.ProgrammingError as error:
            print(f"{name}, the {first} closed first: {error}")
PY
"$folder/venv/bin/python" leave.py | tee seen
cat > expected <<'TEXT'
the loop, the generator closed first: (2,)
the loop, the connection closed first: nothing to ask
rewritten, the generator closed first: Cannot operate on a closed cursor.
rewritten, the connection closed first: Cannot operate on a closed database.
TEXT
diff expected seen
