"""A cluster on this machine: a folder, and in it a folder and a process for each server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

import psutil
from msgspec import structs

from examples.kvstore.client import Client
from examples.kvstore.driver.letters import Member
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from examples.kvstore.driver.transport import PemCertificates
from raftbare import NodeId

ROOT: Final = Path(__file__).parents[2]

_STARTED: Final[list[subprocess.Popen[bytes]]] = []
"""By this process.  They may outlive it, and are kept or Python would warn of that."""


CLIENT: Final = "client"
"""The name of the certificate that clients show."""


class FolderError(Exception):
    """The folder is not what it is taken for."""


def certificates_in(folder: Path, name: str) -> PemCertificates:
    """`name`'s: from `ca.pem`, `NAME.pem` and `NAME.key`.  Raises `FolderError`."""
    paths = [folder / file for file in ("ca.pem", f"{name}.pem", f"{name}.key")]
    for path in paths:
        if not path.is_file():
            raise FolderError(f"{path}: there is no such file; {name} needs it for TLS")
    return PemCertificates(*map(str, paths))


@dataclass(frozen=True, slots=True)
class Process:
    """`started` tells it from a later process with the same number."""

    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """If it is running."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < 0.1
            alive = found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return found if same and alive else None


class ClusterFolder:
    """`cluster.json` says which servers there are; each has a folder with its data and its log."""

    def __init__(self, path: Path) -> None:
        """Open what `create` made.  Raises `FolderError`."""
        self.path = path
        try:
            plain = json.loads((path / "cluster.json").read_text(encoding="utf-8"))
            self.cluster = str(plain["cluster"])
            self.founders = tuple(Member(**member) for member in plain["founders"])
            self.members = [Member(**member) for member in plain["members"]]
            self.removed = [int(node_id) for node_id in plain["removed"]]
            self.record = bool(plain["record"])
            tls = plain.get("certificates")
            self.certificates = None if tls is None else Path(tls)
        except FileNotFoundError:
            raise FolderError(f"{path}: there is no cluster here; `up` makes one") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FolderError(f"{path}/cluster.json cannot be read: {error}") from None

    @classmethod
    def create(
        cls, path: Path, nodes: int, *, host: str, record: bool, certificates: Path | None = None
    ) -> ClusterFolder:
        """A new cluster of so many servers, none of them running.

        `certificates`: the folder with theirs, and that of `CLIENT`; None: no TLS.
        """
        if certificates is not None:
            certificates = certificates.resolve()
            for name in (*[f"node-{number}" for number in range(1, nodes + 1)], CLIENT):
                certificates_in(certificates, name)
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise FolderError(f"{path}: an empty folder was expected")
        founders = [_new_member(NodeId(number), host) for number in range(1, nodes + 1)]
        made = cls.__new__(cls)
        made.path, made.cluster, made.record = path, token_hex(16), record
        made.certificates = certificates
        made.founders, made.members, made.removed = tuple(founders), [], []
        for member in founders:
            made._make_disk(member)
        made._write()
        return made

    @property
    def addresses(self) -> list[str]:
        return [member.address for member in self.members]

    def client(self, timeout: float, *addresses: str) -> Client:
        """Of the servers at these addresses, or else of all; with TLS, if the cluster has it."""
        folder = self.certificates
        tls = None if folder is None else certificates_in(folder, CLIENT).client()
        return Client(self.cluster, addresses or self.addresses, timeout=timeout, tls=tls)

    def member(self, node_id: int) -> Member:
        for member in self.members:
            if member.id == node_id:
                return member
        known = ", ".join(str(member.id) for member in self.members)
        raise FolderError(f"no server {node_id}: one of {known} was expected")

    def folder(self, member: Member) -> Path:
        return self.path / member.name

    def add(self, host: str) -> Member:
        """The disk of one more server, under a name that no other ever had."""
        number = max([member.id for member in self.members] + self.removed) + 1
        member = _new_member(NodeId(number), host)
        if self.certificates is not None:
            certificates_in(self.certificates, member.name)
        self._make_disk(member)
        self._write()
        return member

    def remove(self, member: Member) -> None:
        """It is no member any more; its folder stays, and its name is not given again."""
        self.stop(member, signal.SIGTERM)
        self.members.remove(member)
        self.removed.append(member.id)
        self._write()

    def start(self, member: Member) -> bool:
        """Whether it was not running."""
        if self.process(member) is not None:
            return False
        folder = self.folder(member)
        with (folder / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "examples.kvstore", "serve", str(folder.resolve())]
            if self.record:
                command.append("--record")
            if self.certificates is not None:
                command += ["--certificates", str(self.certificates)]
            started = subprocess.Popen(  # it outlives this process, if it is to
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _STARTED.append(started)
        process = Process(started.pid, psutil.Process(started.pid).create_time())
        _replace(folder / "process.json", json.dumps(asdict(process)))
        return True

    def process(self, member: Member) -> psutil.Process | None:
        """The one that was started here, if it is running."""
        try:
            text = (self.folder(member) / "process.json").read_text(encoding="utf-8")
            return Process(**json.loads(text)).find()
        except (OSError, ValueError, TypeError):
            return None

    def stop(self, member: Member, number: signal.Signals, patience: float = 5.0) -> bool:
        """Whether it was running.  It is gone when this returns."""
        process = self.process(member)
        if process is None:
            return False
        process.send_signal(number)
        try:
            process.wait(patience)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(patience)
        _STARTED[:] = [child for child in _STARTED if child.poll() is None]
        return True

    def _make_disk(self, member: Member) -> None:
        folder = self.folder(member)
        folder.mkdir()
        identity = Identity(self.cluster, member, self.founders)
        SQLiteStorage.create(folder / "data.sqlite", identity).close()
        self.members.append(member)

    def _write(self) -> None:
        plain = {
            "cluster": self.cluster,
            "record": self.record,
            "certificates": None if self.certificates is None else str(self.certificates),
            "founders": [structs.asdict(member) for member in self.founders],
            "members": [structs.asdict(member) for member in self.members],
            "removed": self.removed,
        }
        _replace(self.path / "cluster.json", json.dumps(plain, indent=1))


def _new_member(node_id: NodeId, host: str) -> Member:
    return Member(node_id, f"node-{node_id}", f"{host}:{_free_port(host)}", token_hex(8))


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _replace(path: Path, text: str) -> None:
    """All or nothing."""
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
