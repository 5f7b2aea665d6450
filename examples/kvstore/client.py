"""A client: finds the leader, asks until there is an answer, and has each command applied once."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from typing import Any

from examples.kvstore.driver.letters import (
    Answer,
    ClientHello,
    Done,
    Execute,
    GetStatus,
    NotLeader,
    OpenSession,
    Query,
    Refused,
    Request,
)
from examples.kvstore.driver.packing import NUMBER
from examples.kvstore.driver.transport import Frames, RefusedError, framed, split_address
from examples.kvstore.machine import packed

FRAME = 64 * 1024 * 1024
PAUSE = 0.05


class NoAnswerError(Exception):
    """Nobody has answered in time.  What was asked may take effect all the same, now or later."""


class AnsweredNoError(Exception):
    """What was asked cannot be, and has not been done."""


class Client:
    """For one thread.  `timeout`: seconds until a request is given up."""

    def __init__(
        self,
        cluster: str,
        addresses: Iterable[str],
        *,
        timeout: float = 10.0,
        patience: float = 1.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._cluster = cluster
        self._addresses = list(addresses)
        self._timeout = timeout
        self._patience = patience  # with one server, before another one is asked
        self._tls = tls
        self._tags = count(1)
        self._at = self._addresses[0]
        self._socket: socket.socket | None = None
        self._frames = Frames(FRAME)
        self._session: int | None = None
        self._number = 0

    # The key-value store

    def put(self, key: str, value: str) -> None:
        self._execute(packed(op="put", key=key, value=value))

    def delete(self, key: str) -> bool:
        """Whether it was there."""
        return bool(self._execute(packed(op="delete", key=key))["done"])

    def cas(self, key: str, old: str | None, new: str) -> bool:
        """Whether the value was `old`, and is `new` now."""
        return bool(self._execute(packed(op="cas", key=key, old=old, new=new))["done"])

    def get(self, key: str) -> str | None:
        """Linearizable."""
        question = packed(op="get", key=key)
        value: str | None = json.loads(self.ask(lambda tag: Query(tag, question)))["value"]
        return value

    def _execute(self, command: bytes) -> dict[str, Any]:
        """Sent again and again under the same number, and so applied once (dissertation, §6.3)."""
        if self._session is None:
            (self._session,) = NUMBER.unpack(self.ask(OpenSession))
        self._number += 1
        session, number = self._session, self._number
        try:
            answer = self.ask(lambda tag: Execute(tag, session, number, command))
        except AnsweredNoError:
            self._session, self._number = None, 0
            raise
        result: dict[str, Any] = json.loads(answer)
        if "error" in result:
            raise AnsweredNoError(result["error"])
        return result

    # Any request

    def ask(self, request: Callable[[int], Request]) -> bytes:
        """Ask the leader, whoever that is by then.  `request` is given the tag to use.

        Raises `NoAnswerError` and `AnsweredNoError`.
        """
        until = time.monotonic() + self._timeout
        problem = "no server was reached"
        while (left := until - time.monotonic()) > 0:
            try:
                answer = self._exchange(request(next(self._tags)), min(left, self._patience))
            except (OSError, RefusedError) as error:
                problem = f"{self._at}: {error}"
                self._go_on(self._next())
            else:
                match answer:
                    case Done(_, content):
                        return content
                    case NotLeader(_, address):
                        problem = "no leader was found"
                        self._go_on(address or self._next())
                        if address:
                            continue
                    case Refused(_, reason, again):
                        problem = reason
                        if not again:
                            raise AnsweredNoError(reason)
            time.sleep(min(PAUSE, max(0.0, until - time.monotonic())))
        raise NoAnswerError(f"no answer within {self._timeout:g} s; the last of it: {problem}")

    def status(self, address: str) -> dict[str, Any]:
        """What one server says of itself.  Raises `NoAnswerError`."""
        self._go_on(address)
        try:
            answer = self._exchange(GetStatus(next(self._tags)), self._patience)
        except (OSError, RefusedError) as error:
            self.close()
            raise NoAnswerError(f"{address}: {error}") from None
        status: dict[str, Any] = json.loads(answer.content) if isinstance(answer, Done) else {}
        return status

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """The connection; the next request makes another one."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _next(self) -> str:
        known = self._addresses
        return known[(known.index(self._at) + 1) % len(known)] if self._at in known else known[0]

    def _go_on(self, address: str) -> None:
        if address != self._at or self._socket is None:
            self.close()
        self._at = address

    def _exchange(self, request: Request, patience: float) -> Answer:
        """One request and its answer.  Raises `OSError` where the connection does not bring it."""
        if self._socket is None:
            self._connect(patience)
        assert self._socket is not None
        try:
            self._socket.settimeout(patience)
            self._socket.sendall(framed(request))
            while True:
                data = self._socket.recv(65536)
                if not data:
                    raise ConnectionError("the connection was closed")
                for letter in self._frames.feed(data):
                    if isinstance(letter, Answer) and letter.tag == request.tag:
                        return letter
        except BaseException:
            self.close()
            raise

    def _connect(self, patience: float) -> None:
        connection = socket.create_connection(split_address(self._at), patience)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = self._tls.wrap_socket(connection) if self._tls else connection
        self._frames = Frames(FRAME)
        self._socket.sendall(framed(ClientHello(self._cluster)))
