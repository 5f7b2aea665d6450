"""JSON Lines of our own: a header, then an event a line, in the order in which they happened.

    {"format":"raftbare-history","version":1,"model":"key-value"}
    {"type":"invoke","process":0,"f":"put","key":"x","value":"a"}
    {"type":"ok","process":0}

A client writes `invoke` before it sends a request and `ok` after it has the answer: otherwise the
times between are too short, and what is linearizable may look as if it were not.
"""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from conformance.linearize.errors import BadLine, shown
from conformance.linearize.events import Completed, Event, Invoked
from conformance.linearize.models import MODELS, Cell

FORMAT: Final = "raftbare-history"
VERSION: Final = 1

Value: TypeAlias = str | bool | int | None
"""What a register or a key holds; null where nothing was written, or it was deleted."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Header(_Line):
    """The first line."""

    format: Literal["raftbare-history"] = Field(description="The name of this format.")
    version: Literal[1] = Field(description="The version of this format.")
    model: Literal["register", "key-value"] = Field(
        description="What the clients used: read, write and cas of one register, or get, put, cas "
        "and delete of keys."
    )


Process: TypeAlias = Annotated[
    int, Field(ge=0, le=2**53, description="A client that waits for each answer.")
]
Time: TypeAlias = Annotated[
    float | None, Field(description="Seconds, for readers: what counts is the order of the lines.")
]


class Invoke(_Line):
    """A client calls a function."""

    type: Literal["invoke"]
    process: Process
    f: Literal["read", "write", "get", "put", "cas", "delete"] = Field(description="The function.")
    key: str | None = Field(None, description="Of the key-value model.")
    value: Value = Field(None, description="What write, put and cas would have it hold.")
    expected: Value = Field(None, description="What cas wants it to hold before.")
    time: Time = None


class Ok(_Line):
    """The client has an answer: the operation took effect."""

    type: Literal["ok"]
    process: Process
    value: Value = Field(None, description="What read and get found.")
    swapped: bool | None = Field(None, description="Whether cas found what it wanted, and wrote.")
    time: Time = None


class Fail(_Line):
    """The operation did not take effect and never will: nothing else is known."""

    type: Literal["fail"]
    process: Process
    time: Time = None


class Info(_Line):
    """Nobody knows: the operation may take effect at any later time, or never."""

    type: Literal["info"]
    process: Process
    time: Time = None


_LINE: Final[TypeAdapter[Invoke | Ok | Fail | Info]] = TypeAdapter(
    Annotated[Invoke | Ok | Fail | Info, Field(discriminator="type")]
)


def header(line: bytes) -> Cell:
    """The model that a file's first line names; raises `BadLine`."""
    try:
        return MODELS[Header.model_validate_json(line).model]
    except ValidationError as error:
        raise _bad(error) from None


class Reader:
    """Turns lines into events of one model."""

    def __init__(self, model: Cell) -> None:
        self.model = model
        self._called: dict[int, str] = {}

    def event(self, line: bytes) -> Event:
        """Raises `BadLine`."""
        try:
            read = _LINE.validate_json(line)
        except ValidationError as error:
            raise _bad(error) from None
        process = str(read.process)
        if isinstance(read, Invoke):
            self._called[read.process] = read.f
            return Invoked(process, read.f, read.key, self._arguments(read))
        if not isinstance(read, Ok):
            return Completed(process, read.type)
        called = self._called.get(read.process)
        _check_fields(read, called, _ANSWERS.get(called, ()))
        result = _text(read.value) if "value" in read.model_fields_set else read.swapped
        return Completed(process, "ok", result)

    def _arguments(self, read: Invoke) -> tuple[str, ...]:
        if read.f not in self.model.functions:
            expected = ", ".join(self.model.functions)
            raise BadLine(
                f"f is {shown(read.f)}", f"one of {expected} of the {self.model.name} model"
            )
        wanted = _ARGUMENTS.get(read.f, ())
        _check_fields(read, read.f, (*wanted, "key") if self.model.keyed else wanted)
        return tuple(_text(getattr(read, name)) for name in wanted)


_ARGUMENTS: Final = {"write": ("value",), "put": ("value",), "cas": ("expected", "value")}
_ANSWERS: Final[dict[str | None, tuple[str, ...]]] = {
    "read": ("value",),
    "get": ("value",),
    "cas": ("swapped",),
}


def _check_fields(read: Invoke | Ok, f: str | None, wanted: tuple[str, ...]) -> None:
    """It has all the fields of an event of its kind, and no other."""
    given = read.model_fields_set - {"type", "process", "f", "time"}
    for name in wanted:
        if getattr(read, name) is None and (name not in given or name in ("key", "swapped")):
            raise BadLine(f"{read.type} of {f} without {name}", "that field")
    for name in sorted(given.difference(wanted)):
        raise BadLine(f"{read.type} of {f or 'nothing'} with {name}", "no such field")


def _bad(error: ValidationError) -> BadLine:
    """The first fault that pydantic found."""
    detail = error.errors(include_url=False)[0]
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "json_invalid":
        reason = str(context["error"]).replace("at line 1 column", "at column")
        return BadLine(f"not JSON: {reason}", "a JSON object on every line")
    tags = {one.__name__.lower() for one in (Invoke, Ok, Fail, Info)}
    steps = [step for step in detail["loc"] if step not in tags]
    where = shown(steps[0])[1:-1] if steps else "the line"
    if where in ("value", "expected"):
        return BadLine(
            f"{where} is {shown(detail['input'])}", "a string, an integer, true, false or null"
        )
    if kind == "missing":
        return BadLine(f"{where} is missing", "that field")
    if kind == "union_tag_not_found":
        return BadLine("type is missing", "invoke, ok, fail or info")
    if kind == "union_tag_invalid":
        return BadLine(f"type is {shown(context['tag'])}", "invoke, ok, fail or info")
    if kind == "extra_forbidden":
        return BadLine(f"unknown field {where}", "only the fields of docs/linearize.md")
    if kind == "literal_error":
        return BadLine(f"{where} is {shown(detail['input'])}", str(context["expected"]))
    said = detail["msg"].removeprefix("Input should be ")
    return BadLine(f"{where} is {shown(detail['input'])}", said)


def _text(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
