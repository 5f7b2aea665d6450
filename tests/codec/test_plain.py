"""Plain values are those of the trace format: no more, no less, and in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftbare import codec
from tests.codec.values import KINDS, Kind

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
@given(st.data())
def test_a_value_is_written_as_the_trace_format_has_it(kind: Kind, data: st.DataObject) -> None:
    value = data.draw(kind.values)
    text = json.dumps(kind.codec.to_plain(value))
    assert text == kind.json(value)
    kind.model(text)
    assert kind.codec.from_plain(json.loads(text)) == value
    assert kind.codec.from_plain(kind.plain(value)) == value  # its lists are tuples


@every_kind
@given(st.data())
def test_what_is_read_is_what_the_trace_format_allows(kind: Kind, data: st.DataObject) -> None:
    """A value with one fault, or something in another order: both read it, or neither does."""
    plain = changed(data, json.loads(kind.json(data.draw(kind.values))))
    text = json.dumps(plain)
    try:
        kind.model(text)
    except ValueError:
        with pytest.raises(codec.CodecError):
            kind.codec.from_plain(plain)
    else:
        read = kind.codec.from_plain(plain)
        assert kind.json(read) == json.dumps(kind.codec.to_plain(read))


NUMBERS = [-1, 0, 1, 7, 2**64 - 1, 2**64, 0.0, 1.5]
OBJECTS = [{}, {"term": 0}, {"term": 0.0}, {"commands": 0}, {"commands": 2**24 + 1}]
LISTS: list[list[int]] = [[], [0], [1, 0], [0, 0]]
ANYTHING = st.sampled_from(
    [None, True, False, *NUMBERS, "", "0", "command", "leader", *LISTS, *OBJECTS]
)


def changed(data: st.DataObject, plain: Any) -> Any:
    """The same with a change somewhere: a field or item is another, is missing, or is one more."""
    places = [*inner(plain)]
    if not places:
        return data.draw(ANYTHING)
    outer = data.draw(st.sampled_from(places))
    key = data.draw(st.sampled_from([*outer] if isinstance(outer, dict) else [*range(len(outer))]))
    match data.draw(st.sampled_from(["another", "missing", "one more", "twice", "order"])):
        case "another":
            outer[key] = data.draw(ANYTHING)
        case "missing":
            del outer[key]
        case "one more" if isinstance(outer, dict):
            outer[data.draw(st.sampled_from(["term", "commands", "seq", "leader"]))] = data.draw(
                ANYTHING
            )
        case "one more":
            outer.insert(key, data.draw(ANYTHING))
        case "twice" if isinstance(outer, list):
            outer.append(deepcopy(outer[key]))
        case _ if isinstance(outer, dict):
            outer[key] = outer.pop(key)
        case _:
            outer.reverse()
    return plain


def inner(plain: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """What it has in it that is not empty, itself included."""
    if isinstance(plain, dict | list) and plain:
        yield plain
        for part in plain.values() if isinstance(plain, dict) else plain:
            yield from inner(part)
