#!/usr/bin/env bash
# PySyncObj: a reply that grants a vote counts once for each time that it arrives.
#
# Expected: a candidate counts who voted for it (Raft, section 5.2), so that a message which the
# network doubles makes no difference: Raft assumes no more of a network.  The transport can be
# replaced, and what its base class says of `send` asks for nothing more either.
# Found: replies are counted, not voters.  Of five servers one that has its own vote and that of one
# other becomes leader, if the other's reply arrives twice.  So a transport of one's own has to keep
# messages from being doubled, as a TCP connection does.
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
cat > votes.py <<'PY'
import pysyncobj
from pysyncobj import syncobj
from pysyncobj.node import Node
from pysyncobj.transport import Transport

now = 0.0
syncobj.monotonicTime = lambda: now  # so that nothing waits


class Noted(Transport):
    ready = True

    def __init__(self, node, others):
        super().__init__(None, node, others)
        self.sent = []

    def send(self, node, message):
        self.sent.append((node, message))
        return True

    def destroy(self):
        pass


names = [Node(f"n{number}") for number in range(5)]


def server(name):
    others = [other for other in names if other is not name]
    transport = Noted(name, others)
    conf = pysyncobj.SyncObjConf(autoTick=False, raftMinTimeout=1.0, raftMaxTimeout=1.5)
    made = pysyncobj.SyncObj(name, others, conf=conf, transport=transport)
    for other in others:
        transport._onNodeConnected(other)
    return made, transport


candidate, its = server(names[0])
voter, others = server(names[1])
now = 2.0
candidate.doTick(0.0)
call = next(message for to, message in its.sent if to is names[1])
others._onMessageReceived(names[0], call)
(reply,) = (message for _, message in others.sent if message["type"] == "response_vote")
for arrivals in (1, 2):
    its._onMessageReceived(names[1], reply)
    print(f"the vote of 1 of 4 others has arrived {arrivals} times: leads {candidate._isLeader()}")
PY
"$folder/venv/bin/python" votes.py | tee seen
cat > expected <<'TEXT'
the vote of 1 of 4 others has arrived 1 times: leads False
the vote of 1 of 4 others has arrived 2 times: leads True
TEXT
diff expected seen
