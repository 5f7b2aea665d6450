"""The log of a Jepsen test of one register, as its first versions wrote it.

    INFO  jepsen.util - 2   :invoke :cas    [3 0]
    INFO  jepsen.util - 2   :ok     :cas    [3 0]

`:fail` of a compare-and-set that has its values says that the register held another value; any
other `:fail`, that the operation did not take place.  Lines of other loggers, and of processes
without a number (the nemesis, which makes the faults), are no operations.
"""

from __future__ import annotations

import re
from typing import Final, cast

from conformance.linearize.errors import BadLine, shown
from conformance.linearize.events import Came, Completed, Event, Invoked
from conformance.linearize.models import ABSENT, REGISTER

LOG: Final = re.compile(r"(?:\S+\s+)?(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")
"""How a line of a log begins."""

_EVENT: Final = re.compile(
    r"jepsen\.util\s+-\s+(?P<process>\S+)\s+:(?P<type>invoke|ok|fail|info)\s+:(?P<f>\S+)(?:\s+(?P<value>\S.*))?$",
    re.ASCII,
)
_VALUE: Final = re.compile(r"nil|-?(?:0|[1-9][0-9]*)")
_PAIR: Final = re.compile(rf"\[\s*({_VALUE.pattern})[\s,]+({_VALUE.pattern})\s*\]")

EXPECTED: Final = "INFO  jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas VALUE"


def event(text: str) -> Event | None:
    """The event of a line, or None where it is not about an operation.

    Raises `BadLine`.
    """
    if LOG.match(text) is None:
        raise BadLine(f"no line of a log: {shown(text)}", EXPECTED)
    if "jepsen.util" not in text:
        return None
    found = _EVENT.search(text.rstrip())
    if found is None:
        raise BadLine(f"no event: {shown(text.rstrip())}", EXPECTED)
    process, kind, f, value = found["process"], found["type"], found["f"], found["value"] or ""
    if not process.isdecimal():
        return None
    if f not in REGISTER.functions:
        raise BadLine(f"the function is {shown(':' + f)}", ":read, :write or :cas")
    if kind == "invoke":
        return Invoked(process, f, None, _arguments(f, value))
    return _completed(process, cast(Came, kind), f, value)


def _arguments(f: str, value: str) -> tuple[str, ...]:
    if f == "read":
        return ()
    if f == "write":
        return (_one(value),)
    return _pair(value)


def _completed(process: str, came: Came, f: str, value: str) -> Completed:
    if f == "cas" and came == "fail" and _PAIR.fullmatch(value):
        return Completed(process, "ok", False, f, _pair(value))
    if came != "ok":
        return Completed(process, came, None, f)
    if f == "read":
        return Completed(process, came, _one(value), f)
    return Completed(process, came, True if f == "cas" else None, f, _arguments(f, value))


def _one(value: str) -> str:
    if _VALUE.fullmatch(value) is None:
        raise BadLine(f"the value is {shown(value)}", "an integer or nil")
    return ABSENT if value == "nil" else value


def _pair(value: str) -> tuple[str, str]:
    found = _PAIR.fullmatch(value)
    if found is None:
        raise BadLine(f"the value is {shown(value)}", "[expected new], two integers")
    return _one(found[1]), _one(found[2])
