"""Findings told apart: two are the same if their signatures are."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TypeAlias

from conformance.campaign.case import Kind
from conformance.observe.finding import Difference, Finding, Problem, describe, name_of
from spec import values as v

Signature: TypeAlias = tuple[str, ...]
"""The property that is broken; of a difference what differs, at which event, in which field."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a case has found."""

    case: int
    kind: Kind
    signature: Signature
    node: int | None
    detail: str


def found_by(case: int, kind: Kind, finding: Finding | Problem) -> Found:
    detail = finding.detail if isinstance(finding, Problem) else describe(finding)
    return Found(case, kind, signature_of(finding), finding.node, detail)


def signature_of(finding: Finding | Problem) -> Signature:
    if isinstance(finding, Problem):
        return (finding.property,)
    name = name_of(finding)
    if not isinstance(finding, Difference):
        return (name,)
    event = finding.event.message if isinstance(finding.event, v.Receive) else finding.event
    at = "drain" if event is None else type(event).__name__
    if name == "Failure":
        return name, str(finding.found).partition(":")[0], at
    return name, finding.what, at, _first_field(finding.specified, finding.found)


def _first_field(specified: object, found: object) -> str:
    """Where two values of one type first differ; else the types, or nothing."""
    if type(specified) is not type(found):
        return f"{type(specified).__name__} or {type(found).__name__}"
    for name in _names(specified):
        one, other = getattr(specified, name), getattr(found, name)
        if one != other:
            return name
    if isinstance(specified, tuple) and isinstance(found, tuple):
        for one, other in zip(specified, found, strict=False):
            if one != other:
                return type(one).__name__
        longer = max(specified, found, key=len)
        return type(longer[min(len(specified), len(found))]).__name__ if longer else ""
    return ""


def _names(value: object) -> tuple[str, ...]:
    if is_dataclass(value):
        return tuple(field.name for field in fields(value))
    return tuple(getattr(value, "_fields", ()))
