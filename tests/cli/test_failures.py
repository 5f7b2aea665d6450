"""Where the program or its machine fails, nothing is found: code 3 and one line."""

from __future__ import annotations

import ast
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

import conformance
from conformance.cli.app import main
from conformance.explore.search.store import BadCheckpoint
from conformance.mutants.matrix.trial import BUDGETS, Budget, Method, Trial, tried
from conformance.mutants.mechanical import kill
from conformance.observe.failed import PROGRAM_FAILED, told
from conformance.observe.finding import first_difference
from conformance.prove.runner.obligation import Subjects
from conformance.prove.runner.worker import prove
from conformance.prove.step.equivalence import obligations
from conformance.simulation import compiled
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import library_sources, patched_library
from conformance.subjects.rebuild import Rebuilder
from conformance.symbolic.paths import Paths
from tests.cli.helpers import ROOT

FAILURES: Final = [MemoryError(), RecursionError("too deep"), OSError(5, "Input/output error")]
GOLDEN: Final = ROOT / "traces/golden/quiet-3n.jsonl.gz"

BROAD: Final = {
    "conformance/mutants/matrix/trial.py:tried": "PROGRAM_FAILED comes first: it is stopped",
    "conformance/mutants/mechanical/kill.py:_run": "OSError comes first; a mutant that takes all "
    "memory or calls itself without end does so where the library as it is has not",
    "conformance/prove/runner/worker.py:prove": "the result is unknown",
    "conformance/prove/runner/worker.py:answer": "what cannot be sent is told by its words",
    "conformance/workers/pool.py:_outcome": "WorkerError, which is inconclusive",
    "conformance/workers/processes.py:_answer": "WorkerError, which is inconclusive",
    "conformance/workers/processes.py:_try": "WorkerError, which is inconclusive",
    "conformance/cli/terminal.py:write_page": "of a finding, which is told whatever comes of this",
    "conformance/cli/terminal.py:run": "PROGRAM_FAILED comes first; code 3 in any case",
}
"""Clauses that take everything, and why no finding comes of it."""


# Every clause


def clauses() -> Iterator[tuple[str, str, ast.Try]]:
    """File and function of each `try` in conformance that takes everything."""
    root = Path(conformance.__file__ or "").parent
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "except:" not in text and "Exception" not in text:
            continue
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Try) and any(map(_is_broad, node.handlers)):
                        place = path.relative_to(root.parent).as_posix()
                        yield place, function.name, node


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(
        {"Exception", "BaseException"} & {n.id for n in ast.walk(handler.type) if _is_name(n)}  # type: ignore[attr-defined]
    )


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def lets_through(tried: ast.Try) -> bool:
    """An earlier clause raises the program's own failures again, or each broad one does."""
    for handler in tried.handlers:
        if _is_broad(handler):
            if not raises_again(handler):
                return False
        elif isinstance(handler.type, ast.Name) and handler.type.id == "PROGRAM_FAILED":
            if raises_again(handler):
                return True
    return True


def test_every_clause_that_takes_everything_lets_failures_through_or_says_why() -> None:
    found = list(clauses())
    unexplained = {
        f"{place}:{function}" for place, function, tried in found if not lets_through(tried)
    }
    assert unexplained == set(BROAD)
    assert len(found) > len(unexplained) > 0


def test_nothing_is_suppressed_that_may_be_a_failure() -> None:
    """But where a writer gives up: what it is to report was raised before."""
    text = [path.read_text(encoding="utf-8") for path in (ROOT / "conformance").rglob("*.py")]
    assert sum(one.count("suppress(Exception)") for one in text) == 1
    assert not any("suppress(BaseException)" in one for one in text)


def test_the_walk_finds_a_clause_that_takes_failures_for_findings() -> None:
    program = "try:\n    f()\nexcept Exception as error:\n    found = error\n"
    (bad,) = ast.parse(program).body
    assert isinstance(bad, ast.Try)
    assert not lets_through(bad)
    (good,) = ast.parse(
        program.replace("except E", "except PROGRAM_FAILED:\n    raise\nexcept E")
    ).body
    assert isinstance(good, ast.Try)
    assert lets_through(good)


# Every command


@pytest.fixture
def signals() -> Iterator[None]:
    """`main` is the end of a process, and leaves its handlers in place."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fails(*_: Any, **__: Any) -> NoReturn:
        raise error

    return fails


COMMANDS: Final[dict[str, tuple[tuple[str, ...], Any, str]]] = {
    "check": (("check", "--events", "50", "--workers", "1"), LibrarySubject, "drain"),
    "check --live": (("check", "--live", "--events", "50"), LibrarySubject, "drain"),
    "replay": (("replay", str(GOLDEN)), LibrarySubject, "handle"),
    "explore": (("explore", "--terms", "1", "--log", "2"), Rebuilder, "transition"),
    "measure": (("measure", "--only", "merged"), LibrarySubject, "drain"),
}


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["people", "json"])
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("signals")
def test_a_failure_in_a_node_is_inconclusive(
    command: str,
    error: Exception,
    flags: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    arguments, owner, method = COMMANDS[command]
    monkeypatch.setattr(owner, method, raising(error))
    monkeypatch.setattr(compiled, "compiled", lambda what: None)  # a copy would not fail
    monkeypatch.setattr(sys, "argv", ["conformance", *arguments, *flags])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == 3
    assert not list(tmp_path.iterdir())
    if flags:
        assert said.err == ""
        assert json.loads(said.out)["verdict"] == "inconclusive"
        assert json.loads(said.out)["error"].startswith(type(error).__name__)
    else:
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        assert said.err.startswith(f"inconclusive: {type(error).__name__}")
        assert "(test_failures.py:" in said.err


@pytest.mark.usefixtures("signals")
def test_the_end_of_a_file_that_nobody_expected_is_no_violation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """typer would say 1."""
    monkeypatch.setattr("conformance.simulation.replay.replay", raising(EOFError()))
    monkeypatch.setattr(sys, "argv", ["conformance", "replay", str(GOLDEN)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 3


# Every method


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_no_method_takes_a_failure_for_a_finding(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parts() -> Iterator[tuple[str, object, object]]:
        yield "outcome", 1, 1
        raise error

    with pytest.raises(type(error)):
        first_difference(0, None, parts())
    with pytest.raises(type(error)):
        list(Paths().run(raising(error)))

    def look(_library: Any, _budget: Budget, trial: Trial) -> None:
        trial.killed_by = "Difference"
        raise error

    method = Method("schedules", "comparison", look)
    with patched_library() as copy:
        trial = tried("mutant", copy, method, BUDGETS["quick"])
    assert not trial.killed
    assert trial.stopped is not None
    assert trial.stopped.startswith(type(error).__name__)
    monkeypatch.setattr(Rebuilder, "transition", raising(error))
    proof = next(one for one in obligations("quick") if "heartbeat" in one.name)
    result = prove(proof, Subjects())
    assert result.result == "unknown"
    assert type(error).__name__ in result.detail


def test_a_solver_that_is_out_of_memory_refutes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import z3

    proof = next(one for one in obligations("quick") if "heartbeat" in one.name)
    asked = z3.Solver.check
    calls = 0

    def check(solver: Any, *more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise z3.Z3Exception(b"out of memory")
        return asked(solver, *more)

    monkeypatch.setattr(z3.Solver, "check", check)
    assert prove(proof, Subjects()).result == "unknown"
    assert calls > 5


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_mechanical_mutant_is_not_killed_by_the_machine(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kill.STAGES, "failing", raising(error))
    verdict = kill.judge(library_sources(), ("failing",), {})
    if isinstance(error, OSError):
        assert (verdict.failed, verdict.killed_by) == (True, None)
    else:  # within the limits of the library as it is
        assert (verdict.failed, verdict.killed_by) == (False, "failing")


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_checkpoint_is_not_damaged_where_the_machine_fails(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance.explore.search import store
    from conformance.explore.search.run import Options, explore
    from conformance.explore.states.bounds import Bounds

    options = Options(Bounds(terms=1, log=2), checkpoint=tmp_path / "kept")
    assert explore(options).complete
    shutil.copy(tmp_path / "kept", tmp_path / "other")
    with monkeypatch.context() as patch:
        patch.setattr(store._Unpickler, "load", raising(error))
        with pytest.raises(type(error)):
            explore(options)
        patch.setattr(store._Unpickler, "load", raising(ValueError()))
        with pytest.raises(BadCheckpoint):
            explore(options)
    assert explore(options).resumed_at is not None


def test_a_failure_is_told_with_the_line_that_raised_it() -> None:
    def deep() -> None:
        deep()

    with pytest.raises(PROGRAM_FAILED) as raised:
        deep()
    said = told(raised.value)
    assert said.startswith("RecursionError: maximum recursion depth exceeded")
    assert said.endswith(f"(test_failures.py:{deep.__code__.co_firstlineno + 1})")
    assert told(MemoryError()) == "MemoryError"
