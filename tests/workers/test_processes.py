"""Processes of this machine: what they give, and what becomes of those that die."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from conformance.workers import processes as module
from conformance.workers.pool import AHEAD, TaskFailedError, WorkerDiedError, WorkerError
from conformance.workers.processes import PATIENCE, TRIES, processes


def negative(number: int) -> int:
    return -number


def one_dies(number: int) -> int:
    if number == 2:
        os._exit(7)
    return number


def dies_once(path: str) -> int:
    """The one that makes the file is killed, as by the machine."""
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def raises(number: int) -> int:
    raise ValueError(f"{number} is wrong")


def unsendable(_: int) -> object:
    return lambda: 0


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    with processes(2) as workers:
        paths = [str(tmp_path / name) for name in "abcab"]
        pids = list(workers.in_order(dies_once, paths))
    assert all(pids)
    assert len(pids) == 5


def test_who_dies_of_its_task_is_no_affair_of_the_others() -> None:
    with processes(2) as workers:
        made = list(workers.outcomes(one_dies, range(5)))
        assert made[:2] + made[3:] == [0, 1, 3, 4]
        assert isinstance(made[2], WorkerDiedError)
        assert str(made[2]) == "a worker died (exit code 7)"
        with pytest.raises(WorkerDiedError):
            list(workers.in_order(one_dies, range(5)))


def test_a_task_that_fails_is_told_from_a_worker_that_died() -> None:
    with processes(1) as workers:
        with pytest.raises(TaskFailedError, match="a worker raised ValueError: 3 is wrong"):
            list(workers.in_order(raises, [3]))
        with pytest.raises(TaskFailedError, match="what cannot be sent"):
            list(workers.in_order(unsendable, [3]))
        assert list(workers.in_order(negative, [3])) == [-3]


def always_dies(path: str) -> None:
    Path(path, str(os.getpid())).touch()
    os._exit(7)


def test_workers_that_all_die_are_not_begun_for_ever(tmp_path: Path) -> None:
    with processes(1) as workers:
        outcomes = workers.outcomes(always_dies, [str(tmp_path)] * 20)
        for _ in range(PATIENCE // TRIES):
            assert isinstance(next(outcomes), WorkerDiedError)
        with pytest.raises(WorkerError, match="the workers died, one after another"):
            next(outcomes)
    assert len(list(tmp_path.iterdir())) == PATIENCE > TRIES


def test_little_is_begun_whose_result_is_not_asked_for() -> None:
    drawn = list[int]()

    def numbers() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    with processes(1) as workers:
        results = workers.in_order(negative, numbers())
        assert len(drawn) == AHEAD
        assert [next(results), next(results)] == [0, -1]
        assert len(drawn) <= AHEAD + 2
        assert next(workers.in_order(negative, numbers(), ahead=7)) == 0
        assert len(drawn) <= AHEAD + 2 + 7 + 1


def test_what_ends_first_comes_first() -> None:
    with processes(2) as workers:
        ended = list(workers.as_completed(one_dies, range(5)))
        assert {one.given for one in ended if one is not None} == set(range(5))
        died = [one.given for one in ended if one and isinstance(one.made, WorkerError)]
        assert died == [2]
        assert next(workers.as_completed(spin, [None], every=0.01)) is None


def test_a_worker_that_cannot_be_begun_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise OSError(11, "no more processes")

    monkeypatch.setattr(module._CONTEXT, "Process", lacking)
    with processes(1) as workers, pytest.raises(WorkerError, match="no more processes"):
        list(workers.in_order(negative, [1]))


def path(_: object) -> list[str]:
    return sys.path


def test_workers_look_for_modules_where_this_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or they would check other sources than the ones that are to be checked."""
    monkeypatch.syspath_prepend(tmp_path)
    with processes(1) as workers:
        assert next(workers.in_order(path, [None])) == sys.path


def number(_: object) -> int:
    return os.getpid()


def spin(_: object) -> None:
    while True:
        pass


def test_an_interrupt_leaves_no_worker_behind() -> None:
    """Whatever they are at: the library may loop for ever."""
    begun: list[Future[None]] = []
    with pytest.raises(KeyboardInterrupt), processes(2) as workers:
        pids = set(workers.in_order(number, range(4)))
        begun = [workers.executor.submit(spin, None) for _ in range(2)]
        raise KeyboardInterrupt
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert all(one.done() for one in begun)
    assert pids
    assert os.getpid() not in pids
