"""What is wrong with a trace, in one line: where, what was found, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from conformance.observe.bad_file import MAX_FOUND, BadFile
from conformance.observe.bad_file import shown as shown

MAX_FAULTS: Final = 1000
"""A line with more faults is not looked into: a million unknown fields fit into one."""


class BadTrace(BadFile):
    """A trace cannot be read, or not from this line on."""


class NoHeader(BadTrace):
    """The first line is none of a trace: the file may be of another format."""


class TruncatedTrace(BadTrace):
    """A trace ends in the middle of a line or of its archive, as a recorder's crash leaves it.

    All complete records have been handed out when it is raised, and stand.
    """


def is_json(line: bytes) -> bool:
    try:
        from_json(line, allow_inf_nan=False)
    except ValueError:
        return False
    return True


UNIONS: Final = frozenset(
    {"event", "message", "snapshot", "outcome", "actions", "pending", "entries"}
)
"""The fields that hold one of several models, or a list of such."""


def explain(
    line: bytes, error: ValidationError, unions: frozenset[str] = UNIONS
) -> tuple[str, str]:
    """The first fault that pydantic found in a line, as problem and what was expected.

    `unions`: the fields of its models that hold one of several.
    """
    if error.error_count() > MAX_FAULTS:
        return f"{error.error_count()} faults in one line", "a record of traces/FORMAT.md"
    details = error.errors(include_url=False)
    detail = details[0]
    if detail["type"] == "json_invalid":
        return _explain_json(line, detail)
    if detail["loc"][:1] == ("outcome",):
        # A union without a tag: the alternative that got farthest is the one that was meant.
        attempts = (one for one in details if one["loc"][:1] == ("outcome",))
        detail = max(attempts, key=lambda one: len(one["loc"]))
    return _explain_value(_where(detail["loc"], unions), detail)


def _explain_json(line: bytes, detail: ErrorDetails) -> tuple[str, str]:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1}", "UTF-8"
    if not line.strip():
        return "an empty line", "a JSON object on every line"
    # The parser counts lines within this one.
    reason = detail["ctx"]["error"].replace("at line 1 column", "at column")
    return f"not JSON: {reason}", "a JSON object on every line"


_EXPECTED: Final[Mapping[str, str]] = {
    "int_type": "an integer",
    "bool_type": "true or false",
    "string_type": "a string",
    "float_type": "a number",
    "finite_number": "a finite number",
    "none_required": "null",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def _explain_value(where: str, detail: ErrorDetails) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    found = shown(detail["input"])
    if kind == "trace":
        problem = context["problem"]
        join = " " if problem.startswith("is ") else ": "
        return f"{where}{join}{problem}" if where else problem, context["expected"]
    if kind == "missing":
        return f"{where} is missing", "that field"
    if kind == "extra_forbidden":
        return f"unknown field {where}", "only the fields of traces/FORMAT.md"
    if kind == "union_tag_invalid":
        name = context["discriminator"].strip("'")
        tags = context["expected_tags"].replace("'", "")
        return f"{_join(where, name)} is {shown(context['tag'])}", f"one of {tags}"
    if kind == "union_tag_not_found":
        if context["discriminator"].endswith("()"):
            return f"{where} is {found}", "an entry: term, config or commands"
        return f"{_join(where, context['discriminator'].strip(chr(39)))} is missing", "that field"
    if kind == "literal_error":
        return f"{where} is {found}", context["expected"].replace("'", "")
    if kind == "greater_than_equal":
        return f"{where} is {found}", f"an integer not below {context['ge']}"
    if kind == "less_than_equal":
        return f"{where} is {found}", f"an integer not above {context['le']}"
    if where == "outcome":
        return f"outcome is {found}", "a position, true, false or null"
    expected = _EXPECTED.get(kind, detail["msg"])
    return f"{where or 'the line'} is {found}", expected


def _where(steps: tuple[int | str, ...], unions: frozenset[str]) -> str:
    """The path of a fault, as one would write it in JavaScript.

    pydantic's path has, after each field that holds one of several models, which of them it is.
    """
    path, is_tag_next = "", False
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif is_tag_next:
            is_tag_next = False
        else:
            path = _join(path, step)
            is_tag_next = step in unions
    return path


def _join(path: str, name: str) -> str:
    name = name if name.isidentifier() and len(name) <= MAX_FOUND else shown(name)
    return f"{path}.{name}" if path else name
