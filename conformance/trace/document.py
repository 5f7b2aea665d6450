"""Generates `traces/FORMAT.md` and `traces/schema.json` from the models.

python -m conformance.trace.document            write them
python -m conformance.trace.document --check    exit 1 if they are not up to date
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from conformance.trace import model as t
from conformance.trace import moments as m
from conformance.trace import vocabulary as w
from conformance.trace.examples import EXAMPLES

TRACES: Final = Path(__file__).resolve().parents[2] / "traces"
TEMPLATE: Final = Path(__file__).with_name("FORMAT.template.md")

# How a field's type is called in the document, by its annotation in the source.
TYPES: Final = {
    "Integer": "integer",
    "Annotated[int, Field(ge=1, le=MAX_INTEGER)]": "integer from 1",
    "Annotated[int, Field(ge=1, le=MAX_COMMANDS)]": f"integer from 1 to {w.MAX_COMMANDS}",
    "Annotated[Literal[1], BeforeValidator(_integer)]": "`1`",
    "NodeId": "id",
    "NodeId | None": "id or null",
    "None": "null",
    "NodeIds": "list of ids",
    "bool": "true or false",
    "str": "string",
    "Position": "[position](#positions)",
    "Config": "[config](#configurations)",
    "Entries": "list of [entries](#entries)",
    "Log": "[log](#logs)",
    "Message": "[message](#messages)",
    "Event": "[event](#events)",
    "InputEvent": "[event](#events)",
    "Annotated[InputEvent | None, AfterValidator(not_null)]": "[event](#events)",
    "tuple[Integer, ...]": "list of integers",
    "tuple[Feature, ...]": "list of strings",
    "Outcome": "position, `called`, true, false or null",
    "State": "[state](#state)",
    "Annotated[State | None, AfterValidator(not_null)]": "[state](#state)",
    "Annotated[Change | None, AfterValidator(not_null)]": "[changes](#state)",
    "Annotated[Literal['follower', 'candidate', 'leader'] | None, AfterValidator(not_null)]": (
        '`"follower"` or `"candidate"` or `"leader"`'
    ),
    "OptionalInteger": "integer",
    "OptionalPosition": "[position](#positions)",
    "OptionalConfig": "[config](#configurations)",
    "Annotated[str | None, AfterValidator(not_null)]": "string",
    "Actions": "list of [actions](#actions)",
    "Snapshot": "[snapshot](#checkpoints)",
    "Disk": "[disk](#checkpoints)",
    "tuple[Peer, ...]": "list of [peers](#checkpoints)",
    "OptionalActions": "list of [actions](#actions)",
    "Limits": "[limits](#limits)",
    "OptionalLimits": "[limits](#limits)",
    "Limit": "integer, at least 1",
    "Limit | None": "integer, at least 1, or null",
    "Integer | None": "integer or null",
    "Annotated[float | None, AfterValidator(not_null)]": "number",
    "Annotated[Integer | None, AfterValidator(not_null)]": "integer",
    "Annotated[bool | None, AfterValidator(not_null)]": "true or false",
    "Annotated[Capabilities | None, AfterValidator(not_null)]": "[capabilities](#capabilities)",
    "Annotated[dict[str, NodeId] | None, AfterValidator(not_null)]": "object of ids",
    "Annotated[SeenMessage | None, AfterValidator(not_null)]": "[message](#moments)",
    "Annotated[tuple[SeenMessage, ...] | None, AfterValidator(not_null)]": "list of "
    "[messages](#moments)",
    "MessageType": "a type",
    "MessageTypes": "list of types",
    "OptionalId": "id",
    "OptionalFlag": "true or false",
    "OptionalRole": "follower, pre_candidate, candidate or leader",
    "Voters": "list of lists of ids",
    "Literal[True] | None": "true",
}

MODELS: Final = {model.__name__: model for model in EXAMPLES}


def _tag(model: type[w.Model]) -> tuple[str, str] | None:
    """The field and the value by which a model of a union is told from the others."""
    for name in ("kind", "type", "role"):
        field = model.model_fields.get(name)
        if field is not None and field.description is None:
            return name, json.loads(EXAMPLES[model])[name]
    return None


def _type(model: type[w.Model], name: str) -> str:
    annotation = next(
        base.__annotations__[name] for base in model.__mro__ if name in base.__annotations__
    )
    literal = re.fullmatch(r"Literal\[(.*)\]", annotation)
    if literal:
        return " or ".join(f"`{value}`" for value in literal[1].replace("'", '"').split(", "))
    return TYPES[annotation]


def describe(model: type[w.Model]) -> str:
    """A model: what it is, a table of its fields, an example."""
    tag = _tag(model)
    parts = [re.sub(r"\s+", " ", model.__doc__ or "").strip()]
    if tag is not None:
        parts.insert(0, f"**`{tag[1]}`**")
    rows = []
    for name, field in model.model_fields.items():
        if tag is not None and name == tag[0]:
            continue
        optional = "" if field.is_required() else ", optional"
        rows.append(
            f"| `{field.alias or name}` | {_type(model, name)}{optional} | {field.description} |"
        )
    if rows:
        parts.append("\n".join(["| field | type | meaning |", "|---|---|---|", *rows]))
    example = json.loads(EXAMPLES[model])
    parts.append(f"```json\n{json.dumps(example, separators=(',', ':'))}\n```")
    head = " ".join(parts[:2]) if tag is not None else parts[0]
    return "\n\n".join([head, *parts[2 if tag is not None else 1 :]])


def _outcomes() -> str:
    """The events and what their callers may be told."""
    rows = []
    for model in (*t.Input.__args__, t.Checkpoint):
        kind = json.loads(EXAMPLES[model])["kind"]
        summary = re.sub(r"\s+", " ", model.__doc__ or "").strip()
        rows.append(f"| `{kind}` | {summary} | {' or '.join(model.OUTCOMES)} |")
    return "\n".join(["| kind | what happens | outcome |", "|---|---|---|", *rows])


def format_md() -> str:
    """FORMAT.md: the template, each `{{...}}` line of which stands for one or more models."""

    def replace(match: re.Match[str]) -> str:
        names = match[1].split()
        if names == ["outcomes"]:
            return _outcomes()
        return "\n\n".join(describe(MODELS[name]) for name in names)

    text = re.sub(r"^\{\{(.*)\}\}$", replace, TEMPLATE.read_text("utf-8"), flags=re.MULTILINE)
    return text.replace("MAX_COMMANDS", str(w.MAX_COMMANDS))


def schema() -> dict[str, Any]:
    """A JSON Schema of a trace's lines; those of the subject protocol are among its `$defs`."""
    lines: list[type[w.Model]] = [t.Header, t.Record, m.Moment]
    lines += [t.Offer, t.Hello, t.Request, t.Answer]
    _, definitions = models_json_schema([(line, "validation") for line in lines])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of {t.FORMAT} version {t.VERSION}",
        "description": "Generated from conformance/trace/model.py; described in FORMAT.md.",
        "oneOf": [{"$ref": f"#/$defs/{line.__name__}"} for line in lines[:3]],
        "$defs": _without_defaults(definitions["$defs"]),
    }


def _without_defaults(value: Any) -> Any:
    """pydantic writes that an absent field is null, which this format tells apart."""
    if isinstance(value, dict):
        return {key: _without_defaults(item) for key, item in value.items() if key != "default"}
    return [_without_defaults(item) for item in value] if isinstance(value, list) else value


def documents() -> dict[Path, str]:
    """What each generated file should hold."""
    return {
        TRACES / "FORMAT.md": format_md(),
        TRACES / "schema.json": json.dumps(schema(), indent=2) + "\n",
    }


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python -m conformance.trace.document [--check]", file=sys.stderr)
        return 2
    stale = 0
    for path, text in documents().items():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale = 1
        if arguments:
            print(f"{path} is stale: run python -m conformance.trace.document", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"wrote {path}")
    return stale if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
