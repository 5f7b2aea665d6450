"""Small programs that mean something on plain integers and on symbolic numbers alike.

For them there is a law: whatever the input, the conditions of just one path hold for it, and what
that path returned is, for that input, what the program returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from conformance.symbolic.number import holds, value_of
from conformance.symbolic.paths import Path, Paths

INPUTS: Final = ("x", "y", "z")
MOST: Final = 400
"""Programs with more paths are left out."""

Term: TypeAlias = tuple[Any, ...]
"""An expression: ("input", n), ("constant", n), or an operation and its operands."""
Test: TypeAlias = tuple[Any, ...]
Program: TypeAlias = tuple[Any, ...]


class RaisedError(Exception):
    """What a program raises; `args` are numbers."""


def evaluate(term: Term, env: list[Any]) -> Any:
    match term:
        case ("input", name):
            return env[name]
        case ("constant", value):
            return value
        case ("plus", one, other):
            return evaluate(one, env) + evaluate(other, env)
        case ("minus", one, other):
            return evaluate(one, env) - evaluate(other, env)
        case ("negative", one):
            return -evaluate(one, env)
        case ("min", *some):
            return min(evaluate(one, env) for one in some)
        case ("max", *some):
            return max(evaluate(one, env) for one in some)
        case ("median", *some):
            return sorted(evaluate(one, env) for one in some)[len(some) // 2]
        case ("if", test, one, other):
            return evaluate(one if decide(test, env) else other, env)
    raise AssertionError(term)


def decide(test: Test, env: list[Any]) -> bool:
    match test:
        case ("<", one, other):
            return bool(evaluate(one, env) < evaluate(other, env))
        case ("<=", one, other):
            return bool(evaluate(one, env) <= evaluate(other, env))
        case (">", one, other):
            return bool(evaluate(one, env) > evaluate(other, env))
        case (">=", one, other):
            return bool(evaluate(one, env) >= evaluate(other, env))
        case ("==", one, other):
            return bool(evaluate(one, env) == evaluate(other, env))
        case ("!=", one, other):
            return bool(evaluate(one, env) != evaluate(other, env))
        case ("bool", one):
            return bool(evaluate(one, env))
        case ("not", one):
            return not decide(one, env)
        case ("and", one, other):
            return decide(one, env) and decide(other, env)
        case ("or", one, other):
            return decide(one, env) or decide(other, env)
        case ("chain", one, middle, other):
            return bool(evaluate(one, env) <= evaluate(middle, env) < evaluate(other, env))
        case ("in", one, *some):
            return evaluate(one, env) in [evaluate(other, env) for other in some]
        case ("pairs", one, two, three, four):
            left = evaluate(one, env), evaluate(two, env)
            return bool(left < (evaluate(three, env), evaluate(four, env)))
    raise AssertionError(test)


def execute(program: Program, env: list[Any]) -> Any:
    """Statements in order; what is returned is the state after the last, or what came before it."""
    for statement in program:
        match statement:
            case ("set", name, term):
                env[name] = evaluate(term, env)
            case ("when", test, one, other):
                result = execute(one if decide(test, env) else other, env)
                if result is not None:
                    return result
            case ("loop", times, test, body):
                for _ in range(times):
                    if decide(test, env):
                        break
                    result = execute(body, env)
                    if result is not None:
                        return result
            case ("return", term):
                return evaluate(term, env)
            case ("raise", term):
                raise RaisedError(evaluate(term, env))
            case ("pick", name, *some):
                at = env[name]
                if 0 <= at < len(some):
                    env[name] = evaluate([*some][at], env)
    return None


def run_program(program: Program, inputs: list[Any]) -> tuple[str, tuple[Any, ...]]:
    """How it ends, and with what."""
    env = list(inputs)
    try:
        result = execute(program, env)
    except RaisedError as error:
        return "raised", error.args
    return ("ended", tuple(env)) if result is None else ("returned", (result,))


@dataclass(frozen=True, slots=True)
class Explored:
    """A program with all of its paths; `overfull` ones have too many."""

    paths: Paths
    found: list[Path[tuple[str, tuple[Any, ...]]]]


def explored(program: Program, questions: int | None = None) -> Explored:
    paths = Paths(limit=MOST, questions=questions)
    inputs = [paths.number(name) for name in INPUTS]
    return Explored(paths, list(paths.run(lambda: run_program(program, list(inputs)))))


def selected(
    found: list[Path[tuple[str, tuple[Any, ...]]]], values: list[int]
) -> list[Path[tuple[str, tuple[Any, ...]]]]:
    """The paths whose conditions hold."""
    model = dict(enumerate(values))
    return [
        path
        for path in found
        if all(holds(atom, model) == value for atom, value in path.conditions)
    ]


def plain(result: tuple[str, tuple[Any, ...]] | None, values: list[int]) -> object:
    assert result is not None
    how, numbers = result
    model = dict(enumerate(values))
    return how, tuple([value_of(number, model) for number in numbers])


def unlawful(program: Program, values: list[int], questions: int | None = None) -> str | None:
    """What of the law is broken, for this input or for one that a path has for itself."""
    found = explored(program, questions).found
    if any(path.raised is not None for path in found):
        return "a path ends as the program cannot"
    chosen = selected(found, values)
    if len(chosen) != 1:
        return f"{len(chosen)} paths for {values}"
    if plain(chosen[0].result, values) != run_program(program, list(values)):
        return f"another result for {values}"
    for path in found:
        own = [path.model.get(n, 0) for n in range(len(INPUTS))]
        if selected(found, own) != [path]:
            return f"a path whose own model is not on it: {path}"
        if plain(path.result, own) != run_program(program, list(own)):
            return f"another result for {own}"
    return None


# Programs drawn

VALUES: Final = st.integers(-4, 4)


def terms() -> st.SearchStrategy[Term]:
    leaves: st.SearchStrategy[Term] = st.one_of(
        st.tuples(st.just("input"), st.integers(0, len(INPUTS) - 1)),
        st.tuples(st.just("constant"), VALUES),
    )
    return st.recursive(
        leaves,
        lambda deeper: st.one_of(
            st.tuples(st.sampled_from(["plus", "minus", "min", "max"]), deeper, deeper),
            st.tuples(st.just("negative"), deeper),
            st.tuples(st.just("median"), deeper, deeper, deeper),
            st.tuples(st.just("if"), tests_of(deeper), deeper, deeper),
        ),
        max_leaves=4,
    )


def tests_of(term: st.SearchStrategy[Term]) -> st.SearchStrategy[Test]:
    simple: st.SearchStrategy[Test] = st.one_of(
        st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), term, term),
        st.tuples(st.just("bool"), term),
        st.tuples(st.sampled_from(["chain", "in"]), term, term, term),
        st.tuples(st.just("pairs"), term, term, term, term),
    )
    return st.one_of(
        simple,
        st.tuples(st.just("not"), simple),
        st.tuples(st.sampled_from(["and", "or"]), simple, simple),
    )


def programs() -> st.SearchStrategy[Program]:
    term, test = terms(), tests_of(terms())
    name = st.integers(0, len(INPUTS) - 1)
    simple: st.SearchStrategy[Any] = st.one_of(
        st.tuples(st.just("set"), name, term),
        st.tuples(st.just("return"), term),
        st.tuples(st.just("raise"), term),
        st.tuples(st.just("pick"), name, term, term),
    )
    block = st.lists(simple, max_size=2).map(tuple)
    statement: st.SearchStrategy[Any] = st.one_of(
        simple,
        st.tuples(st.just("when"), test, block, block),
        st.tuples(st.just("loop"), st.integers(1, 3), test, block),
    )
    return st.lists(statement, min_size=1, max_size=4).map(tuple)


def inputs() -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(-6, 6), min_size=len(INPUTS), max_size=len(INPUTS))
