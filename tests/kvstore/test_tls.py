"""Mutual TLS: servers speak to those who show a certificate of their authority, in their name."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from examples.kvstore.app import app
from examples.kvstore.client import Client, NoAnswerError
from examples.kvstore.driver.letters import Hello
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from examples.kvstore.driver.transport import PemCertificates, framed, split_address
from examples.kvstore.folder import ClusterFolder
from examples.kvstore.machine import KeyValue
from tests.kvstore.serving import PATIENCE, members, serve_while

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path) -> None:
    folder.mkdir()
    subject = ("-subj", "/CN=authority", "-days", "2")
    openssl(folder, "req", "-x509", *NEW_KEY, *subject, "-keyout", "ca.key", "-out", "ca.pem")


def certificate(folder: Path, name: str) -> PemCertificates:
    subject = ("-subj", f"/CN={name}")
    openssl(folder, "req", *NEW_KEY, *subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed_by, "-out", f"{name}.pem")
    paths = [str(folder / file) for file in ("ca.pem", f"{name}.pem", f"{name}.key")]
    return PemCertificates(*paths)


def is_turned_away(
    address: str, context: ssl.SSLContext, first: bytes, patience: float = PATIENCE
) -> bool:
    """Whether the server closes the connection on which it gets this."""
    with socket.create_connection(split_address(address), PATIENCE) as plain:
        try:
            with context.wrap_socket(plain) as connection:
                connection.sendall(first)
                connection.settimeout(patience)
                return connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


def test_servers_and_clients_know_each_other_by_certificates(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    make_authority(ours)
    make_authority(theirs)
    both = members(2)
    certificates = {member.name: certificate(ours, member.name) for member in both}
    client_certificate = certificate(ours, "client").client()
    stranger = certificate(theirs, "node-2").client()
    storages = [
        SQLiteStorage.create(tmp_path / member.name, Identity("ours", member, tuple(both)))
        for member in both
    ]

    def use() -> None:
        addresses = [member.address for member in both]
        with Client("ours", addresses, timeout=PATIENCE, tls=client_certificate) as client:
            client.put("key", "value")  # which takes both servers
            assert client.get("key") == "value"
        hello = framed(Hello("ours", both[1], both[0].id))
        at = both[0].address
        assert not is_turned_away(at, certificates["node-2"].client(), hello, 0.5)
        assert is_turned_away(at, certificates["node-1"].client(), hello), "in another's name"
        assert is_turned_away(at, stranger, hello), "of another authority"
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        nobody.check_hostname, nobody.verify_mode = False, ssl.CERT_NONE
        assert is_turned_away(at, nobody, hello), "without a certificate"

    servers = [
        Server(
            storage.identity,
            storage,
            KeyValue(),
            certificates=certificates[storage.identity.me.name],
        )
        for storage in storages
    ]
    try:
        serve_while(servers, use)
    finally:
        for storage in storages:
            storage.close()


def kvstore(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments, "-f", str(folder)])
    error = result.exception
    return result.exit_code, result.output + ("" if error is None else str(error))


def test_a_cluster_with_certificates_on_the_command_line(tmp_path: Path) -> None:
    pems, folder = tmp_path / "pems", tmp_path / "cluster"
    make_authority(pems)
    certificate(pems, "node-1")
    up = ("up", "--nodes", "1", "--certificates", str(pems))
    assert str(pems / "client.pem") in kvstore(folder, *up)[1]
    assert not folder.exists(), "nothing is made where a file is missing"
    certificate(pems, "client")
    try:
        assert kvstore(folder, *up)[0] == 0
        assert kvstore(folder, "put", "key", "value", "--timeout", "60")[0] == 0
        assert kvstore(folder, "get", "key", "--timeout", "60") == (0, "value\n")
        cluster = ClusterFolder(folder)
        plain = Client(cluster.cluster, cluster.addresses, timeout=0.3)
        with pytest.raises(NoAnswerError):
            plain.get("key")
        assert "node-2.pem" in kvstore(folder, "add")[1]
        assert "other certificates" in kvstore(folder, "up", "--certificates", str(tmp_path))[1]
    finally:
        kvstore(folder, "down")
