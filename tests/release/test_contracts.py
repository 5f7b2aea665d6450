"""The import contracts of pyproject.toml can be broken, and rooms stay rooms."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from grimp import ImportGraph, build_graph
from importlinter.api import read_configuration
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
SETTINGS, CONTRACTS = CONFIGURATION["session_options"], CONFIGURATION["contracts_options"]
KINDS: dict[str, type[Contract]] = {
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}

MOST_FILES = 15
MOST_LINES = 520

Import: TypeAlias = tuple[str, str]
"""Who imports, and what."""

each_contract = pytest.mark.parametrize("options", CONTRACTS, ids=lambda options: options["name"])


@cache
def graph() -> ImportGraph:
    return build_graph(*SETTINGS["root_packages"], cache_dir=None)


def is_kept(options: dict[str, Any], found: ImportGraph) -> bool:
    contract = KINDS[options["type"]](options["name"], SETTINGS, options)
    return contract.check(deepcopy(found), verbose=False).kept


def layers(options: dict[str, Any]) -> Iterator[list[list[str]]]:
    """Of each container, from the top down: the modules of each layer."""
    for container in options["containers"]:
        yield [
            [f"{container}.{name.strip()}" for name in layer.split("|")]
            for layer in options["layers"]
        ]


def modules(options: dict[str, Any]) -> set[str]:
    """Every module that a contract names."""
    match options["type"]:
        case "forbidden":
            return {*options["source_modules"], *options["forbidden_modules"]}
        case "independence":
            return {*options["modules"]}
        case _:
            named = {one for tower in layers(options) for layer in tower for one in layer}
            return named | {*options["containers"]}


def not_allowed(options: dict[str, Any]) -> Iterator[Import]:
    """Every import of one of the modules named by another that the contract rules out."""
    match options["type"]:
        case "forbidden":
            for source in options["source_modules"]:
                yield from ((source, target) for target in options["forbidden_modules"])
        case "independence":
            yield from permutations(options["modules"], 2)
        case _:
            for tower in layers(options):
                for above, below in combinations(tower, 2):
                    yield from ((lower, upper) for lower in below for upper in above)
                for layer in tower:
                    yield from permutations(layer, 2)


@each_contract
def test_a_contract_speaks_of_modules_that_exist(options: dict[str, Any]) -> None:
    """The linter itself keeps a contract about some names that nothing has."""
    assert modules(options) - graph().modules == set()


@each_contract
def test_a_contract_is_kept_and_one_import_breaks_it(options: dict[str, Any]) -> None:
    assert is_kept(options, graph())
    imports = list(not_allowed(options))
    assert imports
    for importer, imported in imports:
        broken = deepcopy(graph())
        broken.add_import(importer=importer, imported=imported)
        assert not is_kept(options, broken), f"{importer} may import {imported}"


@pytest.mark.parametrize(
    "options",
    [options for options in CONTRACTS if options["type"] == "layers"],
    ids=lambda options: options["name"],
)
def test_a_room_without_a_layer_breaks_a_contract(options: dict[str, Any]) -> None:
    for container in options["containers"]:
        broken = deepcopy(graph())
        broken.add_module(f"{container}.attic")
        assert not is_kept(options, broken)


# Rooms


def folders(*tops: str) -> list[Path]:
    """Those that hold Python files."""
    found = {path.parent for top in tops for path in (ROOT / top).rglob("*.py")}
    assert found
    return sorted(found)


def test_no_room_is_too_full() -> None:
    full = {
        str(folder.relative_to(ROOT)): files
        for folder in folders("conformance", "tests")
        if (files := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert full == {}


def test_no_file_is_too_long() -> None:
    tops = ("raftbare", "spec", "conformance", "tests", "examples")
    paths = [path for folder in folders(*tops) for path in folder.glob("*.py")]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in paths
    }
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_every_package_says_what_it_is() -> None:
    silent = [
        str(folder.relative_to(ROOT))
        for folder in folders("raftbare", "spec", "conformance")
        if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
    ]
    assert silent == []
