"""The servers of a campaign: processes that are killed, stopped and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from msgspec.structs import replace

from examples.kvstore.client import AnsweredNoError, Client, NoAnswerError
from examples.kvstore.driver.letters import (
    AddMember,
    ClientHello,
    Member,
    OpenSession,
    RemoveMember,
    TakeSnapshot,
)
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from examples.kvstore.driver.transport import framed, split_address
from examples.kvstore.folder import ClusterFolder
from examples.kvstore.load import sizes
from tests.faults.clients import PATIENCE, Workers
from tests.faults.links import Links
from tests.faults.server import ROUTES
from tests.faults.wrong import MISTAKES

ROOT: Final = Path(__file__).resolve().parents[2]


class Cluster:
    """Servers by their numbers.  Ends all that it started when it is left."""

    def __init__(
        self, path: Path, size: int, seed: int, mistake: str | None = None, usual: bool = False
    ) -> None:
        """`usual`: with the settings of the store itself, and unrecorded."""
        self.files = ClusterFolder.create(path, size, host="127.0.0.1", record=not usual)
        self.links = Links(seed)
        self._options = ["--usual"] if usual else []
        self._options += ["--mistake", mistake] if mistake else []
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._tree = _with_library(path / "library", mistake) if mistake else ROOT
        self.members = [int(member.id) for member in self.files.members]
        self._connect()
        for server in self.members:
            self.start(server)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        for server in list(self._processes):
            self.signal(server, signal.SIGCONT)
            self.kill(server)
        self.links.close()

    # Processes

    def folder(self, server: int) -> Path:
        return self.files.folder(self.files.member(server))

    def start(self, server: int) -> None:
        if self.is_running(server):
            return
        self._start_in(self.folder(server).resolve(), server)

    def start_with_new_disk(self, server: int) -> None:
        """An impostor: a server with the name and address of another one, and an empty disk."""
        folder = self.files.path.parent / f"impostor-{server}-{token_hex(4)}"
        folder.mkdir()
        shutil.copy(self.folder(server) / ROUTES, folder)
        me = replace(self._member(server), disk=token_hex(8))
        identity = Identity(self.files.cluster, me, self.files.founders)
        SQLiteStorage.create(folder / "data.sqlite", identity).close()
        self._start_in(folder.resolve(), server)

    def times_told(self, text: str) -> int:
        """How often servers have said so in their logs."""
        logs = [self.folder(server) / "server.log" for server in self.members]
        return sum(log.read_text(errors="replace").count(text) for log in logs)

    def _start_in(self, folder: Path, server: int) -> None:
        self.kill(server)  # what is left of one that ended by itself
        command = [sys.executable, "-m", "tests.faults.server", str(folder)]
        with (folder / "server.log").open("ab") as log:
            self._processes[server] = subprocess.Popen(
                [*command, *self._options],
                cwd=self._tree,  # where Python looks first
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,  # closed when this process ends, however it does
                stdout=log,
                stderr=log,
            )

    def is_running(self, server: int) -> bool:
        process = self._processes.get(server)
        return process is not None and process.poll() is None

    def kill(self, server: int) -> None:
        self.end(server, signal.SIGKILL)

    def end(self, server: int, number: signal.Signals) -> None:
        self.signal(server, number)
        process = self._processes.pop(server, None)
        if process is None:
            return
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
        if process.stdin is not None:
            process.stdin.close()

    def signal(self, server: int, number: signal.Signals) -> None:
        if self.is_running(server):
            self._processes[server].send_signal(number)

    def pid(self, server: int) -> int:
        return self._processes[server].pid

    def sizes(self, server: int) -> tuple[float, float]:
        """Its memory and its data on the disk, in MB; no memory if it is not running."""
        process = self._processes.get(server)
        return sizes(process.pid if process else None, self.folder(server))

    def wait_for_end(self, server: int, patience: float) -> bool:
        """Whether a server ended by itself."""
        with suppress(subprocess.TimeoutExpired):
            self._processes[server].wait(patience)
            return True
        return False

    def start_all(self) -> None:
        for server in self.members:
            self.signal(server, signal.SIGCONT)
            self.start(server)

    # Members

    def grow(self) -> int:
        """Start one more server, and make it a member.  Raises `NoAnswerError`."""
        member = self.files.add("127.0.0.1")
        server = int(member.id)
        self.members.append(server)
        self._connect()
        self.start(server)
        self._ask(lambda tag: AddMember(tag, member))
        return server

    def shrink(self, server: int) -> None:
        """Take a server out for good.  Raises `NoAnswerError`."""
        member = self.files.member(server)
        self._ask(lambda tag: RemoveMember(tag, member.id))
        self.members.remove(server)
        self.kill(server)

    def _ask(self, request: Callable[[int], AddMember | RemoveMember]) -> None:
        client = self.client(timeout=60)
        try:
            client.ask(request)
        finally:
            client.close()

    def _connect(self) -> None:
        """Tell every server where it reaches the others: by way of `links`."""
        self.links.add({server: self._port(server) for server in self.members})
        for server in self.members:
            path = self.folder(server) / ROUTES
            beside = path.with_suffix(".new")
            beside.write_text(json.dumps(self.links.routes(server)), encoding="utf-8")
            os.replace(beside, path)

    def _port(self, server: int) -> int:
        return self._address(server)[1]

    def _address(self, server: int) -> tuple[str, int]:
        return split_address(self._member(server).address)

    def _member(self, server: int) -> Member:
        return self.files.member(server)

    # What they say

    def client(self, timeout: float = PATIENCE, servers: Iterable[int] | None = None) -> Client:
        """Of all servers, or one that begins with these."""
        addresses = self.files.addresses
        if servers is not None:
            addresses = [self._member(server).address for server in servers]
        return Client(self.files.cluster, addresses, timeout=timeout, patience=1.0)

    def clients(self, count: int, history: Path, seed: int, pause: float) -> Workers:
        """So many clients of this cluster, and a reader of each server."""
        addresses = [self._address(server) for server in self.members]
        return Workers(count, history, self.client, self.files.cluster, addresses, seed, pause)

    def wait_to_serve(self, without: int, patience: float = PATIENCE) -> bool:
        """Whether a write of somebody's is acknowledged by the others."""
        client = self.client(patience, [one for one in self.members if one != without])
        try:
            client.put("probe", str(time.monotonic()))
        except (NoAnswerError, AnsweredNoError):
            return False
        finally:
            client.close()
        return True

    def propose_many(self, server: int, count: int) -> None:
        """Have a server that takes itself for the leader propose so many entries, unanswered."""
        hello = framed(ClientHello(self.files.cluster))
        asked = b"".join(framed(OpenSession(tag)) for tag in range(1, count + 1))
        with suppress(OSError), socket.create_connection(self._address(server), 2) as connection:
            connection.sendall(hello + asked)
            connection.settimeout(0.3)
            connection.recv(1)

    def status(self, server: int) -> dict[str, Any]:
        client = self.client()
        try:
            return client.status(self._member(server).address)
        except NoAnswerError:
            return {}
        finally:
            client.close()

    def leader(self) -> int:
        """The server that leads in the latest term, or any if none says that it does."""
        leaders = [
            (status["term"], server)
            for server in self.members
            if (status := self.status(server)).get("role") == "leader"
        ]
        return max(leaders)[1] if leaders else self.members[0]

    def states(self) -> dict[int, tuple[object, ...]]:
        """What each server's state machine holds: all are asked for a snapshot, and end."""
        found: dict[int, tuple[object, ...]] = {}
        for server in self.members:
            client = self.client(servers=[server])
            with suppress(NoAnswerError, AnsweredNoError):
                client.ask(TakeSnapshot)
            client.close()
            self.end(server, signal.SIGTERM)
            storage = SQLiteStorage(self.folder(server) / "data.sqlite")
            snapshot = storage.load().snapshot
            storage.close()
            found[server] = (snapshot.position, snapshot.data) if snapshot else ()
        return found

    def wait_until_alike(self, patience: float) -> bool:
        """Whether all come to have applied the same, while nobody writes."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            shown = [self.status(server) for server in self.members]
            if all(shown) and len({(one["applied"], one["digest"]) for one in shown}) == 1:
                return True
            time.sleep(0.2)
        return False


def _with_library(folder: Path, mistake: str) -> Path:
    """A folder with a copy of the library that has the mistake, if it is one of the library."""
    if not MISTAKES[mistake].library:
        return ROOT
    shutil.copytree(ROOT / "raftbare", folder / "raftbare")
    for patch in MISTAKES[mistake].library:
        path = folder / "raftbare" / f"{patch.file}.py"
        source = path.read_text(encoding="utf-8")
        if source.count(patch.old) != 1:
            raise ValueError(f"{mistake}: the text to replace is not there once")
        path.write_text(source.replace(patch.old, patch.new), encoding="utf-8")
    return folder
