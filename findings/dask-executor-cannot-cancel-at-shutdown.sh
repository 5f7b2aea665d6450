#!/usr/bin/env bash
# The executor of dask.distributed has no `cancel_futures`.
#
# Expected: `Client.get_executor()` is a `concurrent.futures.Executor`, whose `shutdown` takes `wait`
# and `cancel_futures`; so code that is written for any executor can end with either.
# Found: it is an instance of `Executor`, and `shutdown(cancel_futures=True)` is a TypeError, before
# anything was shut down: tasks that wait are then done all the same.
# distributed 2026.8.0, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads distributed; starts a
# scheduler and a worker as threads, without any port.  Exit code 0: it still behaves so.  1: it does
# not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'distributed==2026.8.0' 'dask==2026.8.0'
cd "$folder"
cat > say.py <<'PY'
from concurrent.futures import Executor, ThreadPoolExecutor

from distributed import Client


def say(name: str, executor: Executor) -> None:
    try:
        executor.shutdown(cancel_futures=True)
        print(f"{name}: an Executor: {isinstance(executor, Executor)}, shut down")
    except TypeError as error:
        print(f"{name}: an Executor: {isinstance(executor, Executor)}, {str(error).split(') ')[-1]}")


with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
    say("ThreadPoolExecutor", ThreadPoolExecutor(1))
    say("ClientExecutor", client.get_executor())
PY
"$folder/venv/bin/python" say.py | tee seen
cat > expected <<'TEXT'
ThreadPoolExecutor: an Executor: True, shut down
ClientExecutor: an Executor: True, got an unexpected keyword argument 'cancel_futures'
TEXT
diff expected seen || exit 1
