"""Frames over TCP: connections that are made again when they break, bounded, and with TLS at will.

A frame is four bytes with its length, and the letter.  The first one says who speaks.  Servers
send on connections of their own making and receive on those of others; a client does both on one.
Whoever sends what is no letter, is too large, or not for him to send, loses the connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Final, Protocol, cast

from .letters import LETTERS, Letter
from .packing import LENGTH, UnreadableError, pack

log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds until a connection on which nothing is acknowledged, or nobody says hello, is closed."""

HELLO: Final = 4096
"""Bytes that a frame may have before its sender has said hello: a stranger gets no more memory."""


class RefusedError(Exception):
    """What was received is not for this connection."""


def framed(letter: Letter) -> bytes:
    """O(size)."""
    packed = pack(letter)
    return LENGTH.pack(len(packed)) + packed


class Frames:
    """Cuts a stream of bytes into letters.  `most` bytes are in each, and may be changed."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Letter]:
        """The letters that are complete now.  Raises `RefusedError` at what is none."""
        self._rest += data
        at = 0
        try:
            while len(self._rest) - at >= 4:
                (length,) = LENGTH.unpack_from(self._rest, at)
                if length > self.most:
                    raise RefusedError(f"a frame of {length} bytes: {self.most} are the most")
                if len(self._rest) - at - 4 < length:
                    break
                frame = bytes(self._rest[at + 4 : at + 4 + length])
                at += 4 + length
                yield LETTERS.decode(frame)
        except UnreadableError as error:
            raise RefusedError(f"a frame that is no letter: {error}") from None
        finally:
            del self._rest[:at]


class Connection(asyncio.Protocol):
    """Somebody has connected.  Each letter is handed to `taken`, which may raise `RefusedError`."""

    def __init__(
        self,
        most: int,
        taken: Callable[[Connection, Letter], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._frames = Frames(HELLO)
        self._most = most
        self._taken = taken
        self._closed = closed
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        _tune(self._transport)
        asyncio.get_running_loop().call_later(PATIENCE, self._close_if_silent)

    def data_received(self, data: bytes) -> None:
        try:
            for letter in self._frames.feed(data):
                if self._transport is None or self._transport.is_closing():
                    return
                self._taken(self, letter)
        except RefusedError as error:
            log.warning("closed a connection: %s", error)
            self.close()

    @property
    def common_name(self) -> str:
        """Of the certificate that was shown; empty without TLS."""
        shown = self._transport.get_extra_info("peercert") if self._transport else None
        fields = dict(pair for group in (shown or {}).get("subject", ()) for pair in group)
        return str(fields.get("commonName", ""))

    def send(self, letter: Letter, /) -> None:
        """Whoever does not read what he asked for loses the connection."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(framed(letter))
        if self._transport.get_write_buffer_size() > self._most:
            log.warning("closed a connection that does not read")
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._closed(self)

    def welcome(self) -> None:
        """Who speaks has said hello, and is known."""
        self._frames.most = self._most

    def _close_if_silent(self) -> None:
        if self._frames.most == HELLO:
            self.close()


class Link(asyncio.Protocol):
    """A connection to another server, made again whenever it breaks.

    What is sent while there is none, or while `most` bytes have not left yet, is dropped and
    counted: Raft sends it again, and memory stays bounded.
    """

    def __init__(
        self, address: Callable[[], str], hello: Letter, most: int, tls: ssl.SSLContext | None
    ) -> None:
        self.dropped = 0
        self._address = address
        self._hello = hello
        self._most = most
        self._tls = tls
        self._random = Random()
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def queue(self) -> int:
        """Bytes that have not left yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    @property
    def is_up(self) -> bool:
        return self._transport is not None

    def send(self, frame: bytes) -> None:
        if self._transport is None or self.queue > self._most:
            self.dropped += 1
        else:
            self._transport.write(frame)

    def close(self) -> None:
        self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _run(self) -> None:
        loop, wait = asyncio.get_running_loop(), 0.05
        while True:
            with suppress(OSError, TimeoutError, ValueError):  # of an address that is none
                begun = loop.time()
                host, port = split_address(self._address())
                self._lost.clear()
                connecting = loop.create_connection(lambda: self, host, port, ssl=self._tls)
                await asyncio.wait_for(connecting, PATIENCE)
                await self._lost.wait()
                if loop.time() - begun > PATIENCE:  # else it may have been refused
                    wait = 0.05
            await asyncio.sleep(wait * (1 + self._random.random()))
            wait = min(wait * 2, 0.5)

    # What asyncio tells.  Nothing is received on a connection of one's own making.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        _tune(self._transport)
        self._transport.write(framed(self._hello))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._lost.set()


class Certificates(Protocol):
    """What mutual TLS needs."""

    def server(self) -> ssl.SSLContext: ...

    def client(self) -> ssl.SSLContext: ...


class PemCertificates:
    """From files: both sides show a certificate, and accept those of one authority."""

    def __init__(self, authority: str, certificate: str, key: str) -> None:
        self._authority = authority
        self._certificate = certificate
        self._key = key

    def server(self) -> ssl.SSLContext:
        return self._context(ssl.PROTOCOL_TLS_SERVER)

    def client(self) -> ssl.SSLContext:
        """Members are known by their certificates and not by the names of their machines."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, side: int) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(self._authority)
        context.load_cert_chain(self._certificate, self._key)
        return context


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT`.  Raises `ValueError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"{address!r}: HOST:PORT was expected")
    return host.strip("[]"), int(port)


def _tune(transport: asyncio.Transport) -> None:
    """A partition heals sooner than TCP, left alone, would notice."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = int(PATIENCE * 1000)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
