#!/usr/bin/env bash
# PySyncObj: a follower deletes entries that it has acknowledged when an earlier call arrives late.
#
# Expected: a follower deletes entries only where an entry of a call conflicts with one of its own
# (Raft, section 5.3).  A call that arrives late, or once more, and holds less than the log does has
# nothing to delete.
# Found: whatever follows the entry that the call begins after is deleted first, and the entries of the
# call are added.  What the follower had acknowledged, and the leader may have counted as committed,
# is gone until it is sent again.  A transport of one's own has to keep the order of messages, and
# those of an earlier connection must not follow those of a later one; its base class does not say so.
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
cat > calls.py <<'PY'
import pysyncobj
from pysyncobj import syncobj
from pysyncobj.node import Node
from pysyncobj.transport import Transport

now = 0.0
syncobj.monotonicTime = lambda: now  # so that nothing waits


class Queued(Transport):
    ready = True

    def __init__(self, node, others, queue):
        super().__init__(None, node, others)
        self.node, self.queue = node, queue

    def send(self, node, message):
        self.queue.append((node, self.node, message))
        return True

    def destroy(self):
        pass


class Counter(pysyncobj.SyncObj):
    @pysyncobj.replicated
    def add(self):
        pass


names, queue, transports, servers = [Node("n0"), Node("n1")], [], {}, {}
for name in names:
    others = [other for other in names if other is not name]
    transports[name] = Queued(name, others, queue)
    conf = pysyncobj.SyncObjConf(
        autoTick=False, appendEntriesPeriod=0.1, raftMinTimeout=2.0, raftMaxTimeout=3.0
    )
    servers[name] = Counter(name, others, conf=conf, transport=transports[name])
    transports[name]._onNodeConnected(others[0])
leader, follower = (servers[name] for name in names)


def tick(first=None):
    """The leader ticks, and all is delivered; what it sent is returned."""
    global now
    now = first if first is not None else now + 0.2
    leader.doTick(0.0)
    sent = [message for to, _, message in queue if to is names[1]]
    while queue:
        to, sender, message = queue.pop(0)
        transports[to]._onMessageReceived(sender, message)
    return sent


def length():
    return follower.getStatus()["log_len"]


tick(first=4.0)
for _ in range(3):
    tick()
leader.add()
leader.doTick(0.0)
(late,) = (message for message in tick() if message["entries"])
for _ in range(2):
    leader.add()
leader.doTick(0.0)
tick()
tick()
commit = leader.getStatus()["commit_idx"]
last = max(entry[1] for entry in late["entries"])
print(f"the leader has committed {commit - last} entries after the late call's")
before = length()
transports[names[1]]._onMessageReceived(names[0], late)
print(f"the late call has deleted {before - length()} entries of the follower")
PY
"$folder/venv/bin/python" calls.py 2> errors | tee seen
cat > expected <<'TEXT'
the leader has committed 2 entries after the late call's
the late call has deleted 2 entries of the follower
TEXT
diff expected seen
