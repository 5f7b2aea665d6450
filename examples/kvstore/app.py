"""The command line: a cluster on this machine that one can start, use, break and audit."""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from examples.kvstore.client import AnsweredNoError, Client, NoAnswerError
from examples.kvstore.driver.letters import AddMember, HandOver, RemoveMember, TakeSnapshot
from examples.kvstore.driver.storage import StorageError
from examples.kvstore.folder import ClusterFolder, FolderError
from examples.kvstore.node import serve as serve_folder
from examples.kvstore.page import page_server
from raftbare import NodeId

app = typer.Typer(
    help="A replicated key-value store on raftbare.", no_args_is_help=True, add_completion=False
)

Folder = Annotated[
    Path, typer.Option("--folder", "-f", help="The cluster's folder.", show_default=True)
]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds until a request is given up.")]
NodeNumber = Annotated[int, typer.Argument(min=0, metavar="NODE", help="A server's number.")]
Key = Annotated[str, typer.Argument()]
Value = Annotated[str, typer.Argument()]

HERE = Path("cluster")
UNKNOWN, USAGE, NOT_SO = 3, 2, 1


@app.command()
def up(
    folder: Folder = HERE,
    nodes: Annotated[int, typer.Option(min=1, max=99, help="Servers of a new cluster.")] = 3,
    host: Annotated[str, typer.Option(help="Where the servers listen.")] = "127.0.0.1",
    record: Annotated[bool, typer.Option(help="Record each server for an audit.")] = False,
    certificates: Annotated[
        Path | None,
        typer.Option(help="Mutual TLS: a folder with ca.pem, and NAME.pem and NAME.key of each."),
    ] = None,
) -> None:
    """Make a cluster, or start those of its servers that are not running."""
    known = (folder / "cluster.json").exists()
    cluster = (
        ClusterFolder(folder)
        if known
        else ClusterFolder.create(
            folder, nodes, host=host, record=record, certificates=certificates
        )
    )
    if certificates is not None and cluster.certificates != certificates.resolve():
        has = cluster.certificates or "none"
        raise FolderError(f"{folder}: the cluster was made with other certificates: {has}")
    for member in cluster.members:
        if cluster.start(member):
            say(f"{member.name} starts at {member.address}")
        else:
            say(f"{member.name} is running at {member.address}")
    leader = _wait_for_leader(cluster)
    say(f"node-{leader} leads" if leader else "no leader yet: see `status`")


@app.command()
def put(key: Key, value: Value, folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Store a value."""
    with _client(folder, timeout) as client:
        client.put(key, value)


@app.command()
def get(key: Key, folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Print a value; exit code 1 where there is none."""
    with _client(folder, timeout) as client:
        value = client.get(key)
    if value is None:
        raise _No(f"no value for {key!r}", NOT_SO)
    say(value)


@app.command()
def cas(key: Key, old: Value, new: Value, folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Store NEW where the value is OLD; exit code 1 where it is not."""
    with _client(folder, timeout) as client:
        done = client.cas(key, old, new)
    if not done:
        raise _No(f"the value of {key!r} is another one", NOT_SO)


@app.command()
def delete(key: Key, folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Delete a value; exit code 1 where there is none."""
    with _client(folder, timeout) as client:
        done = client.delete(key)
    if not done:
        raise _No(f"no value for {key!r}", NOT_SO)


@app.command()
def status(
    folder: Folder = HERE,
    live: Annotated[bool, typer.Option("--live", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What each server says.")] = False,
) -> None:
    """Show each server: role, term, log, lag, reads, queues."""
    cluster = ClusterFolder(folder)
    with _client(folder, 1) as client:
        if as_json:
            shown = {member.name: _status(client, member.address) for member in cluster.members}
            typer.echo(json.dumps(shown, indent=1))
        elif not live:
            Console().print(_table(cluster, client))
        else:
            with Live(_table(cluster, client), auto_refresh=False) as view:
                while True:
                    time.sleep(0.5)
                    view.update(_table(ClusterFolder(folder), client), refresh=True)


@app.command()
def page(
    folder: Folder = HERE,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
) -> None:
    """Show the cluster in a browser, until Ctrl-C.  Read only."""

    def statuses() -> dict[str, dict[str, Any]]:
        cluster = ClusterFolder(folder)
        with _client(folder, 1) as client:
            return {member.name: _status(client, member.address) for member in cluster.members}

    statuses()
    with page_server(host, port, statuses) as server:
        say(f"http://{host}:{server.server_address[1]}/")
        server.serve_forever()


@app.command()
def add(folder: Folder = HERE, host: str = "127.0.0.1", timeout: Timeout = 30) -> None:
    """Add a server: start it, let it catch up, give it a vote."""
    cluster = ClusterFolder(folder)
    with _client(folder, timeout) as client:
        member = cluster.add(host)
        cluster.start(member)
        client.ask(lambda tag: AddMember(tag, member))
    say(f"{member.name} is a member, at {member.address}")


@app.command()
def remove(node: NodeNumber, folder: Folder = HERE, timeout: Timeout = 30) -> None:
    """Remove a server from the cluster, and stop it."""
    cluster = ClusterFolder(folder)
    member = cluster.member(node)
    with _client(folder, timeout) as client:
        client.ask(lambda tag: RemoveMember(tag, member.id))
    cluster.remove(member)
    say(f"{member.name} is no member any more")


@app.command()
def transfer(node: NodeNumber, folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Hand leadership over to a server."""
    member = ClusterFolder(folder).member(node)
    with _client(folder, timeout) as client:
        client.ask(lambda tag: HandOver(tag, member.id))
    say(f"leadership was handed over to {member.name}")


@app.command()
def snapshot(folder: Folder = HERE, timeout: Timeout = 10) -> None:
    """Have every server compact its log."""
    cluster = ClusterFolder(folder)
    for member in cluster.members:
        with cluster.client(timeout, member.address) as client:
            try:
                client.ask(TakeSnapshot)
            except NoAnswerError as error:
                say(f"{member.name}: {error}")


@app.command()
def kill(node: NodeNumber, folder: Folder = HERE) -> None:
    """Kill a server (SIGKILL); `up` starts it again."""
    cluster = ClusterFolder(folder)
    member = cluster.member(node)
    if not cluster.stop(member, signal.SIGKILL):
        raise _No(f"{member.name} is not running", NOT_SO)
    say(f"{member.name} was killed")


@app.command()
def down(folder: Folder = HERE) -> None:
    """Stop all servers; `up` starts them again."""
    cluster = ClusterFolder(folder)
    for member in cluster.members:
        if cluster.stop(member, signal.SIGTERM):
            say(f"{member.name} has stopped")


@app.command(hidden=True)
def serve(folder: Path, record: bool = False, certificates: Path | None = None) -> None:
    """Run one server in this process; `up` starts these."""
    serve_folder(folder, record=record, certificates=certificates)


class _No(Exception):  # noqa: N818  # an answer
    """A plain answer that is not the one that was hoped for."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


def say(text: str) -> None:
    """What comes from outside cannot steer the terminal."""
    typer.echo("".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text))


def main() -> None:
    """Exit codes: 0; 1 it is not so, or was refused; 2 usage; 3 no answer, so nobody knows."""
    try:
        app()
    except _No as answer:
        _end(str(answer), answer.code)
    except AnsweredNoError as error:
        _end(str(error), NOT_SO)
    except NoAnswerError as error:
        _end(str(error), UNKNOWN)
    except KeyboardInterrupt:
        sys.exit(130)
    except (FolderError, StorageError, OSError, sqlite3.Error) as error:
        _end(str(error), USAGE)


def _end(reason: str, code: int) -> None:
    typer.echo(reason, err=True)
    sys.exit(code)


def _client(folder: Path, timeout: float) -> Client:
    return ClusterFolder(folder).client(timeout)


def _wait_for_leader(cluster: ClusterFolder, patience: float = 30.0) -> NodeId | None:
    until = time.monotonic() + patience
    with cluster.client(timeout=1) as client:
        while time.monotonic() < until:
            for member in cluster.members:
                if _status(client, member.address).get("role") == "leader":
                    return member.id
            time.sleep(0.1)
    return None


def _status(client: Client, address: str) -> dict[str, Any]:
    try:
        return client.status(address)
    except NoAnswerError as error:
        return {"role": "down", "problem": str(error)}


def _table(cluster: ClusterFolder, client: Client) -> Table:
    table = Table("server", "role", "term", "log", "applied", "lag", "reads", "queue", box=None)
    all_shown = {member: _status(client, member.address) for member in cluster.members}
    leaders = [shown for shown in all_shown.values() if shown["role"] == "leader"]
    leader = max(leaders, key=lambda shown: shown["term"], default={})
    for member, shown in all_shown.items():
        lag = leader.get("lag", {}).get(str(member.id))
        queue = sum(link["queue"] for link in shown.get("links", {}).values())
        log = f"{shown['first_index']}..{shown['last_index']}" if "last_index" in shown else ""
        cells = [shown.get("term"), log, shown.get("applied"), lag, shown.get("reads"), queue]
        role = "not a member" if _is_out(leader, member.id) else shown["role"]
        table.add_row(member.name, role, *["" if cell is None else str(cell) for cell in cells])
    return table


def _is_out(leader: dict[str, Any], node_id: NodeId) -> bool:
    return bool(leader) and node_id not in [*leader["voters"], *leader["non_voters"]]
