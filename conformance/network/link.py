"""What happens to a message on its way from one server to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from conformance.network.clock import MILLISECOND, Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two servers, while it is not cut.

    delay       how long a message travels, in microseconds
    jitter      it travels up to so much longer, drawn evenly
    heavy_tail  of all messages half travel twice as long, a quarter four times, and so on to 2**7
    bandwidth   bytes a millisecond, one message after another; None: any number at once
    loss        messages lost, of a thousand
    doubled     messages that arrive a second time, a delay later, of a thousand
    overtaken   messages held back until the next one has arrived, of a thousand
    """

    delay: int = 10 * MILLISECOND
    jitter: int = 0
    heavy_tail: bool = False
    bandwidth: int | None = None
    loss: int = 0
    doubled: int = 0
    overtaken: int = 0

    def travel(self, random: Random) -> int:
        """How long one message travels.  Integers alone are drawn: no rounding, on any machine."""
        time = self.delay
        if self.jitter:
            time += random.randrange(self.jitter + 1)
        if self.heavy_tail:
            doublings = 0
            while doublings < 7 and random.randrange(2):
                doublings += 1
            time <<= doublings
        return time


class Wire(Generic[T]):
    """A link in use.  `arrive` is called for each content, once for each time that it arrives."""

    def __init__(
        self, link: Link, clock: Clock, random: Random, arrive: Callable[[T], None]
    ) -> None:
        self.link = link
        self._clock = clock
        self._random = random
        self._arrive = arrive
        self._free_at = 0  # when the last message has been put on the wire
        self._held: list[T] = []  # to be overtaken by the next one

    def send(self, content: T, size: int) -> bool:
        """Put it on the wire, `size` bytes.  False: it is lost."""
        link, random, now = self.link, self._random, self._clock.now
        leaves = max(now, self._free_at)
        if link.bandwidth is not None:
            leaves += -(-size * MILLISECOND // link.bandwidth)
            self._free_at = leaves
        if _happens(link.loss, random):
            return False
        if _happens(link.overtaken, random) and not self._held:
            self._held.append(content)
            self._clock.at(leaves + 10 * link.delay, self._release)  # where none follows
            return True
        arrives = leaves + link.travel(random)
        self._clock.at(arrives, lambda: self._arrive(content))
        if self._held:
            self._clock.at(arrives, self._release)
        if _happens(link.doubled, random):
            self._clock.at(arrives + link.delay, lambda: self._arrive(content))
        return True

    def _release(self) -> None:
        held, self._held = self._held, []
        for content in held:
            self._arrive(content)


def _happens(of_a_thousand: int, random: Random) -> bool:
    """Nothing is drawn for what never happens, so that it changes no other draw."""
    return bool(of_a_thousand) and random.randrange(1000) < of_a_thousand
