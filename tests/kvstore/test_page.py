"""The page: what it serves, and that it can change nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import pytest

from examples.kvstore.page import page_server

SHOWN = {"<node>": {"role": "leader", "term": 2, "lag": {}}}


@pytest.fixture
def port() -> Iterator[int]:
    with page_server("127.0.0.1", 0, lambda: SHOWN) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port: int, method: str, path: str) -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers.get_content_type(), body


def test_the_page_and_what_it_asks_for_are_served(port: int) -> None:
    status, kind, body = ask(port, "GET", "/")
    assert (status, kind) == (200, "text/html")
    assert b'fetch("status.json")' in body
    assert b"innerHTML" not in body  # what servers say is text
    status, kind, body = ask(port, "GET", "/status.json")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == SHOWN


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [("GET", "/other", 404), ("GET", "/../etc/passwd", 404), ("POST", "/", 501), ("PUT", "/", 501)],
)
def test_nothing_else_is(port: int, method: str, path: str, expected: int) -> None:
    assert ask(port, method, path)[0] == expected


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium here")
def test_a_browser_shows_what_servers_say_as_text(port: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={tmp_path}", "--virtual-time-budget=5000", "--dump-dom"),
            f"http://127.0.0.1:{port}/",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '<tr class="leader"><td>&lt;node&gt;</td><td>leader</td><td>2</td>' in done.stdout
    assert "no answer" not in done.stdout.split("<script>")[0]
