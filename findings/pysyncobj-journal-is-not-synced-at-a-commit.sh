#!/usr/bin/env bash
# PySyncObj: with a journal file, a command is committed without a sync of the file.
#
# Expected: `journalFile` makes the log durable, and so the journal has a `flush`.  A server answers for
# what is on stable storage (Raft, Figure 2: "updated on stable storage before responding to RPCs").
# Found: the journal is a memory map that nothing flushes while the server runs: neither when a command
# is appended or committed nor when the term and the vote change.  They survive the end of the
# process, and not that of the machine: a server may come back without what it acknowledged, or
# vote twice.  Who compares speeds compares with writes that are not durable.
# PySyncObj 0.3.17, CPython 3.11, Linux; 2026-11-30.
#
# Makes a temporary folder and an environment in it, for which it downloads PySyncObj.  Exit code 0:
# it still behaves so.  1: it does not any more.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'pysyncobj==0.3.17'
cd "$folder"
cat > journal.py <<'PY'
import mmap
import os
from pathlib import Path

import pysyncobj
from pysyncobj import journal, syncobj
from pysyncobj.transport import Transport

now, syncs = 0.0, []
syncobj.monotonicTime = lambda: now  # so that nothing waits


class Noted(mmap.mmap):
    def flush(self, *arguments):
        syncs.append("flush of the map")
        return super().flush(*arguments)


def noted(name, call):
    def calls(*arguments):
        syncs.append(name)
        return call(*arguments)

    return calls


journal.mmap.mmap = Noted
os.fsync = noted("fsync", os.fsync)
os.fdatasync = noted("fdatasync", os.fdatasync)


class Alone(Transport):
    ready = True

    def send(self, node, message):
        return True

    def destroy(self):
        pass


class Counter(pysyncobj.SyncObj):
    @pysyncobj.replicated
    def add(self):
        pass


name = pysyncobj.node.Node("n0")
conf = pysyncobj.SyncObjConf(autoTick=False, journalFile="journal")
server = Counter(name, [], conf=conf, transport=Alone(None, name, []))
for _ in range(10):
    now += 2.0
    server.doTick(0.0)
before = server.getStatus()["commit_idx"]
for _ in range(100):
    server.add()
    now += 0.1
    server.doTick(0.0)
server.doTick(0.0)  # the last one is committed
status = server.getStatus()
print(f"{status['commit_idx'] - before} commands committed in term {status['raft_term']}")
print(f"the journal exists: {Path('journal').exists()}; syncs while it runs: {len(syncs)}")
server.destroy()
server.doTick(0.0)
print(f"syncs at its end: {', '.join(syncs)}")
PY
"$folder/venv/bin/python" journal.py 2> errors | tee seen
cat > expected <<'TEXT'
100 commands committed in term 1
the journal exists: True; syncs while it runs: 0
syncs at its end: flush of the map
TEXT
diff expected seen
