"""Rules that are not run where they are called, but answered for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from conformance.subjects.patched import modules_of
from spec.cluster import Rule

INDEX: Final = "quorum index within the log"
"""The goal of paths on which a rule has answered which index a quorum holds."""


@contextmanager
def answering(rule: Rule, **answers: Callable[..., Any]) -> Iterator[None]:
    """Meanwhile, whoever in the modules of this rule calls such a function, calls the answer."""
    spaces = [vars(module) for module in modules_of(rule)]
    own = [{name: space[name] for name in answers if name in space} for space in spaces]
    for space, known in zip(spaces, own, strict=True):
        space.update({name: answers[name] for name in known})
    try:
        yield
    finally:
        for space, known in zip(spaces, own, strict=True):
            space.update(known)
