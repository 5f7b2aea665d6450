"""A cluster of dask.distributed that runs already.

Its scheduler gives the tasks of a worker that dies to another one, `allowed-failures` times.  Needs
the extra `distributed`; this module alone imports it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, TypeVar

from distributed import Client, KilledWorker

from conformance.workers.pool import Workers
from conformance.workers.sources import sources

Made = TypeVar("Made")

CONNECT_SECONDS: Final = 10.0
"""How long a scheduler may take to answer."""


class SchedulerError(Exception):
    """There is no cluster there that could do this work."""


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """The workers of the scheduler at that address, tcp://host:port.

    As many as there are now; those that come later take part.  What is still to be done at the end
    of the block is cancelled; what a worker is at goes on there to its end, and is dropped.

    Raises `SchedulerError` where nobody answers, there is no worker, or one has other sources.
    """
    _silence()
    try:
        client: Client = _Client(  # type: ignore[no-untyped-call]
            address, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SchedulerError(f"no scheduler answers at {address}: {said}") from error
    try:
        count = _same_sources(client, address)
        executor = _Cluster(client.get_executor(pure=False), sources())
        try:
            yield Workers(executor, count, (KilledWorker,))
        finally:
            executor.shutdown(wait=False)
    finally:
        with suppress(TimeoutError):
            client.close(timeout=1)


def _silence() -> None:
    """What goes wrong is told by what is raised here; a client that is closed complains later."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class _Client(Client):
    def __del__(self) -> None:
        """Nothing: one that found no scheduler would close itself here, and wait 20 s for that."""


def _same_sources(client: Client, address: str) -> int:
    """How many workers there are."""
    theirs = client.run(sources, on_error="return")
    if not theirs:
        raise SchedulerError(f"the scheduler at {address} has no worker")
    for worker, digest in sorted(theirs.items()):
        if isinstance(digest, BaseException):
            raise SchedulerError(f"the worker {worker} cannot run this: {digest}")
        if digest != sources():
            raise SchedulerError(f"the worker {worker} has other sources than this process")
    return len(theirs)


@dataclass(frozen=True, slots=True, eq=False)
class _Cluster(Executor):
    inner: Executor
    sources: str

    def submit(self, fn: Callable[..., Made], /, *args: Any, **kwargs: Any) -> Future[Made]:
        return self.inner.submit(_do, self.sources, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.inner.shutdown(wait=wait)


# In a worker

_ONE_AT_A_TIME: Final = Lock()
"""Tasks have the process to themselves: z3, the cycle collector and the library's copies are one.
A worker is therefore best begun with `--nthreads 1`."""


def _do(expected: str, task: Callable[..., Made], given: tuple[Any, ...], named: Any) -> Made:
    if sources() != expected:  # one that has joined since
        raise SchedulerError("a worker has other sources")
    with _ONE_AT_A_TIME:
        return task(*given, **named)
