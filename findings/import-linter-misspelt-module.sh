#!/bin/sh
# A contract of import-linter about nothing is kept.
#
# Expected: a name in a contract that no module has is an error, as it is almost everywhere: of a
# module of the root packages, of a layer, of an ignored import.
# Found: a `forbidden` contract is KEPT, without a warning and with exit code 0, where
#   1. the forbidden module is an external package whose name is misspelt ("requets"), installed or
#      not: what nobody imports is not in the graph, and that is all that is asked of it;
#   2. a pattern fits no module ("shop.*.modles"), among the forbidden modules or the sources,
#      while a pattern in `ignore_imports` that fits nothing is an error by default.
# So the rule that is thought to be enforced is not, and stays so after a rename.
# import-linter 2.16, Python 3.11; 2026-11-29.
#
# Makes a temporary folder and an environment in it, for which it downloads import-linter.
# Exit code 0: it still behaves so.  1: it does not any more.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv environment
environment/bin/python -m pip install --quiet --disable-pip-version-check import-linter==2.16
environment/bin/python -c 'from importlib.metadata import version; print("import-linter", version("import-linter"), "grimp", version("grimp"))'

mkdir -p shop/orders
touch shop/__init__.py shop/orders/__init__.py shop/orders/models.py
echo 'import requests' > shop/web.py
echo 'import shop.orders.models' >> shop/web.py

changed=0
# contract EXPECTED-EXIT-CODE WHAT SOURCE FORBIDDEN [MORE]
contract() {
    cat > contract.toml <<TOML
[tool.importlinter]
root_packages = ["shop"]
include_external_packages = true
[[tool.importlinter.contracts]]
name = "the contract"
type = "forbidden"
source_modules = ["$3"]
forbidden_modules = ["$4"]
${5:-}
TOML
    code=0
    PYTHONPATH=. environment/bin/lint-imports --no-logo --no-cache --config contract.toml \
        > said 2>&1 || code=$?
    printf '\n%s: %s may not import %s\nexit code %s\n' "$2" "$3" "$4" "$code"
    grep -E 'KEPT|BROKEN|not exist|No matches|[Ww]arn' said | sed 's/^/    /' || true
    if [ "$code" != "$1" ]; then
        echo "    NOT as it was: exit code $1"
        changed=1
    fi
}

contract 1 'the name is right, and the contract broken' shop.web requests
contract 0 'the external package is misspelt' shop.web requets
contract 1 'the pattern is right, and the contract broken' shop.web 'shop.*.models'
contract 0 'the forbidden pattern is misspelt' shop.web 'shop.*.modles'
contract 0 'the pattern of the sources is misspelt' 'shop.*.wbe' requests
contract 1 'for comparison: a misspelt module of the root package' shop.web shop.ordres
contract 1 'for comparison: a misspelt pattern of ignored imports' shop.web requests \
    'ignore_imports = ["shop.*.wbe -> requests"]'
exit $changed
