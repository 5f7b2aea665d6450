"""A server in a process of its own, which is recorded, and dies where it is told to.

    python -m tests.recorder.server FOLDER NODE DIES HOW FAULT

It reads an input from each line, and answers with a line of the messages that it sends.  All that
it writes, to its disk or its recording, goes by `os.write`: at the one with the number DIES the
process kills itself, with signal 9: "before" it, "within" it or "after" it.

FAULT is what is wrong with this driver: "none"; "vote": votes are not saved; "tail": it comes up
without its last entry; "late": entries are written once the drain is over.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import raftbare as rb
from raftbare import codec
from raftbare.recorder import RecordedNode, SegmentWriter
from tests.recorder.cluster import empty_disk, save

SEGMENT = 64 * 2**10


class Death:
    def __init__(self, at: int, how: str) -> None:
        self.left, self.how, self.write = at, how, os.write

    def __call__(self, file: int, data: bytes) -> int:
        self.left -= 1
        if self.left == 0:
            if self.how != "before":
                self.write(file, data[: len(data) // 2] if self.how == "within" else data)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.write(file, data)


class Server:
    def __init__(self, folder: Path, node_id: rb.NodeId, fault: str, size: int) -> None:
        self.fault = fault
        self.size = size
        path = folder / f"disk-{node_id}"
        writer = SegmentWriter(folder / "recording", node_id, max_bytes=size, sync="never")
        known = path.exists()
        disk = _replayed(path)
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.sent: list[tuple[int, Any]] = []
        self.late: list[bytes] = []
        if not known:
            self.node = RecordedNode.start(node_id, to=writer)
        else:
            if fault == "tail" and len(disk.log.entries):
                disk.log.entries.truncate(len(disk.log.entries) - 1)
            self.node = RecordedNode.restart(
                node_id,
                current_term=disk.current_term,
                voted_for=disk.voted_for,
                log=disk.log,
                to=writer,
            )
        self.drain()

    def take(self, given: dict[str, Any]) -> None:
        node = self.node
        try:
            match given["input"]:
                case "message":
                    node.handle_message(codec.MESSAGE.from_plain(given["message"]))
                case "found":
                    node.create_cluster(map(rb.NodeId, given["voters"]))
                case "timeout":
                    node.handle_election_timeout()
                case "propose":
                    for _ in range(given["commands"]):
                        node.propose_command()
        except rb.RaftError:
            pass
        self.drain()

    def drain(self) -> None:
        node = self.node
        for action in node.actions:
            match action:
                case rb.SendMessage(to, message):
                    self.sent.append((to, codec.MESSAGE.to_plain(message)))
                case rb.BroadcastMessage(message):
                    plain = codec.MESSAGE.to_plain(message)
                    self.sent += [(peer, plain) for peer in node.peers]
                case rb.SaveCurrentTerm() | rb.SaveVotedFor() | rb.AppendLogEntries():
                    self.write(codec.ACTION.to_plain(codec.Executed.by(node.node, action)))
        for line in self.late:
            os.write(self.file, line)
        self.late.clear()

    def write(self, action: dict[str, Any]) -> None:
        line = json.dumps(action).encode() + b"\n"
        if self.fault == "late" and action["type"] == "append_log_entries":
            self.late.append(line)
        elif self.fault != "vote" or action["type"] != "save_voted_for":
            os.write(self.file, line)


def _replayed(path: Path) -> rb.Disk:
    """What is on the disk; a line that is not whole is not on it."""
    disk = empty_disk()
    whole = path.read_bytes() if path.exists() else b""
    whole = whole[: whole.rfind(b"\n") + 1]
    if path.exists():
        os.truncate(path, len(whole))
    for line in whole.splitlines():
        disk = save(disk, codec.ACTION.from_plain(json.loads(line)))
    return disk


def main(folder: str, node_id: str, dies: str, how: str, fault: str, size: str) -> NoReturn:
    setattr(os, "write", Death(int(dies), how))  # noqa: B010 (typed as a function)
    server = Server(Path(folder), rb.NodeId(int(node_id)), fault, int(size))
    print(json.dumps(server.sent), flush=True)
    for line in sys.stdin:
        server.sent.clear()
        server.take(json.loads(line))
        print(json.dumps(server.sent), flush=True)
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
