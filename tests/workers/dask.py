"""A cluster of dask.distributed on loopback: a scheduler and workers, each a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from tests.cli.helpers import ROOT

STARTED_IN = 60
"""Seconds, at the most."""


@dataclass(frozen=True)
class Dask:
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def dask(folder: Path, workers: int = 2) -> Iterator[Dask]:
    """They end with the block.  A worker that is killed is not begun anew."""
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        of_scheduler = ("--port", "0", "--no-show", "--scheduler-file", file)
        scheduler = stack.enter_context(_process(folder, "scheduler", *of_scheduler))
        # The file is there once the scheduler listens; both kinds of process wait for it.
        of_worker = ("--scheduler-file", file, "--nthreads", 1, "--no-nanny")
        begun = [
            stack.enter_context(_process(folder, "worker", *of_worker)) for _ in range(workers)
        ]
        with Client(scheduler_file=str(file), timeout=STARTED_IN, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=STARTED_IN)
        yield Dask(json.loads(file.read_text())["address"], scheduler, begun)


@contextmanager
def _process(folder: Path, kind: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    command = ("-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1", "--no-dashboard")
    process = subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
