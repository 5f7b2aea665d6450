"""Which premises were ever true: a lemma whose premise never is says nothing."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from _pytest.monkeypatch import MonkeyPatch

from conformance.prove.statements import claims, lemmas
from conformance.prove.statements.logic import implies

MODULES: tuple[ModuleType, ...] = (lemmas, claims)


class Place(NamedTuple):
    """Where an `implies` stands."""

    module: str
    line: int
    column: int


def implications(modules: tuple[ModuleType, ...] = MODULES) -> set[Place]:
    """Every `implies` in the lemmas and the claims."""
    return {
        Place(module.__name__, call.lineno, call.col_offset)
        for module in modules
        for call in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "implies"
    }


@contextmanager
def recorded(modules: tuple[ModuleType, ...] = MODULES) -> Iterator[set[Place]]:
    """The places where, meanwhile, the premise was true."""
    seen: set[tuple[CodeType, int]] = set()
    places: set[Place] = set()

    def recording(premise: Any, conclusion: Any) -> Any:
        if premise is True:
            caller = sys._getframe(1)
            seen.add((caller.f_code, caller.f_lasti))
        return implies(premise, conclusion)

    with MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "implies", recording)
        yield places
    places |= {place_of(code, at, modules) for code, at in seen}


def place_of(code: CodeType, at: int, modules: tuple[ModuleType, ...]) -> Place:
    line, _, column, _ = list(code.co_positions())[at // 2]
    module = next(one for one in modules if one.__file__ == code.co_filename)
    assert line is not None
    assert column is not None
    return Place(module.__name__, line, column)
