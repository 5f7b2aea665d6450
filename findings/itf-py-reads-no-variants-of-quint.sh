#!/usr/bin/env bash
# itf-py: the records by which Quint writes an option are refused.
#
# Expected: what Quint writes into a trace is ITF, and a reader of ITF takes it.  Quint writes a variant
# as a record of `tag` and `value`, and every trace with nondeterministic picks has them: Some(x) and
# None, in `mbt::nondetPicks`.
# Found: itf_py makes a namedtuple of it, named by the tag, with the keys of the value for fields.  So a
# content that is a number (`#bigint`) and the tag None raise ValueError, for neither may name one; nor
# may a Python keyword, so that a record with a field `from` is refused as well.  A set of no or one
# element says the same as an option and is read.
# itf-py 0.5.0, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads itf-py.  Exit code 0: it
# still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'itf-py==0.5.0'
cd "$folder"
cat > reads.py <<'PY'
from itf_py import value_from_json

BIG = {"#bigint": "40"}
SHOWN = {
    "Some(40)": {"tag": "Some", "value": BIG},
    "None": {"tag": "None", "value": {"#tup": []}},
    "a field from": {"from": BIG},
    "a set": {"#set": [BIG]},
    "a record": {"sender": BIG},
}
said = {}
for name, value in SHOWN.items():
    try:
        value_from_json(value)
    except ValueError as error:
        said[name] = "refused"
        print(f"{name}: ValueError: {error}")
    else:
        said[name] = "read"
        print(f"{name}: read")
refused = {name for name, outcome in said.items() if outcome == "refused"}
raise SystemExit(refused != {"Some(40)", "None", "a field from"})
PY
"$folder/venv/bin/python" reads.py
