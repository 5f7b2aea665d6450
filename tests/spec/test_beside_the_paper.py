"""The table in front of the rules is complete, and the receivers' steps are numbered as there."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pkgutil import iter_modules
from types import FunctionType

import pytest

from spec import rules, values

TABLE = inspect.getdoc(rules) or ""
MODULES = {
    info.name: import_module(f"spec.rules.{info.name}") for info in iter_modules(rules.__path__)
}
FUNCTIONS = [
    name
    for module in MODULES.values()
    for name, value in vars(module).items()
    if isinstance(value, FunctionType) and value.__module__ == module.__name__
]


def test_every_rule_is_in_the_table_and_the_table_names_rules_alone() -> None:
    assert sorted(set(re.findall(r"\b(\w+)\(\)", TABLE))) == sorted(FUNCTIONS)


def test_the_values_and_modules_that_the_table_names_exist() -> None:
    named = re.findall(r"\s{2}([A-Z][a-z]+[A-Za-z]*)(?:\.(\w+))?\s{2}", TABLE)
    assert len(named) > 8
    for kind, field in named:
        assert not field or field in dir(getattr(values, kind)), (kind, field)
    files = set(re.findall(r"\b(\w+)\.py\b", TABLE)) - {"values"}
    assert files == MODULES.keys() - {"effect"}


@pytest.mark.parametrize(
    ("module", "steps"), [("append_entries", 5), ("request_vote", 2), ("snapshots", 8)]
)
def test_receivers_number_their_steps_as_the_paper_does(module: str, steps: int) -> None:
    source = inspect.getsource(MODULES[module])
    numbers = [int(number) for number in re.findall(r"^ +# (\d)\. ", source, re.MULTILINE)]
    assert numbers == list(range(1, steps + 1))
