"""Serve a subject of this process by the subject protocol: ours, and any other in Python."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO

from pydantic import ValidationError

from conformance.subjects.foreign.protocol import VERSIONS
from conformance.subjects.subject import Subject
from conformance.trace import model as t
from conformance.trace.errors import explain
from conformance.trace.plain import answer_line
from conformance.trace.translate import event_to_spec


class BadRequestError(Exception):
    """The harness has sent what is no request, or is for a node that is not there."""


def serve(
    subject: Subject,
    implementation: str,
    requests: IO[bytes],
    answers: IO[bytes],
    lacks: Collection[t.Feature] = (),
) -> None:
    """Answer until the requests end.  Raises BadRequestError."""
    offer = requests.readline()
    if not offer:
        return
    version = _version(offer)
    hello = t.Hello(
        format="raftbare-subject",
        version=version,
        implementation=implementation,
        lacks=tuple(lacks),
    )
    _write(answers, hello.model_dump_json().encode())
    started: set[int] = set()
    for line in requests:
        _write(answers, answer(subject, line, started))


def _version(line: bytes) -> int:
    try:
        offer = t.Offer.model_validate_json(line)
    except ValidationError as error:
        raise BadRequestError(_problem("the offer", line, error)) from error
    spoken = [version for version in offer.versions if version in VERSIONS]
    if not spoken:
        raise BadRequestError(
            f"versions {list(offer.versions)} are offered; expected one of {list(VERSIONS)}"
        )
    return spoken[0]


def answer(subject: Subject, line: bytes, started: set[int]) -> bytes:
    """The answer to one request.  `started`: the nodes that are there; raises BadRequestError."""
    try:
        request = t.Request.model_validate_json(line)
    except ValidationError as error:
        raise BadRequestError(_problem("a request", line, error)) from error
    node, event = request.node, None
    if request.event is not None:
        event = event_to_spec(request.event)
        if request.event.kind in ("start", "restart"):
            started.add(node)
    if node not in started:
        raise BadRequestError(f"a request for node {node}; expected a node that was started")
    outcome = None if event is None else subject.handle(node, event)
    actions = None if request.drain is False else subject.drain(node)
    return answer_line(event, outcome, actions, subject.observe(node))


def _problem(what: str, line: bytes, error: ValidationError) -> str:
    problem, expected = explain(line, error)
    return f"{what}: {problem}; expected {expected}"


def _write(answers: IO[bytes], line: bytes) -> None:
    answers.write(line + b"\n")
    answers.flush()
