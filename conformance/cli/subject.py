"""`conformance subject`: ours as subjects, for other harnesses and to try this one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, cast

import typer

from conformance.cli.terminal import refuse

if TYPE_CHECKING:
    from conformance.subjects.patched import Patch
    from conformance.subjects.subject import Subject


def subject_command(
    which: Annotated[
        Literal["raftbare", "spec"], typer.Argument(help="The library, or the specification.")
    ],
    mutants: Annotated[
        list[str] | None,
        typer.Option(
            "--mutant",
            metavar="NAME",
            help="With that planted bug, one of `conformance mutants`, or D1 to D9; or several.",
        ),
    ] = None,
) -> None:
    """Serve nodes by the subject protocol: requests on standard input, answers on standard output.

    traces/FORMAT.md describes it.  It ends with its input.
    """
    import raftbare
    from conformance.subjects.foreign.serve import BadRequestError, serve

    if cast("TextIO | None", sys.stdin) is None:
        refuse("standard input is closed; expected requests on it", as_json=False)
    name = f"{'raftbare (Python)' if which == 'raftbare' else 'spec'} {raftbare.__version__}"
    with _subject(which, mutants or []) as subject:
        try:
            serve(subject, ", ".join([name, *(mutants or [])]), sys.stdin.buffer, sys.stdout.buffer)
        except BadRequestError as error:
            refuse(str(error), as_json=False)


def _subject(which: str, mutants: list[str]) -> AbstractContextManager[Subject]:
    from conformance.subjects.library import LibrarySubject
    from conformance.subjects.patched import patched_rule
    from conformance.subjects.subject import SpecSubject

    if not mutants:
        return nullcontext(SpecSubject() if which == "spec" else LibrarySubject())
    patches = _patches(which, mutants)
    return (
        nullcontext(SpecSubject(patched_rule(*patches))) if which == "spec" else _library(patches)
    )


def _patches(which: str, mutants: list[str]) -> tuple[Patch, ...]:
    from conformance.audit.decisions import DECISIONS
    from conformance.mutants.planted.catalogue import CATALOGUE
    from conformance.mutants.planted.crate import IN_LIBRARY

    if which == "spec":
        known = {one.name: one.in_spec for one in (*CATALOGUE, *DECISIONS)}
    else:
        known = {one.name: one.in_library for one in CATALOGUE} | IN_LIBRARY
    for name in mutants:
        if not known.get(name):
            refuse(f"{which} has no mutant {name}; expected one of `conformance mutants`", False)
    return tuple(patch for name in mutants for patch in known[name])


@contextmanager
def _library(patches: tuple[Patch, ...]) -> Iterator[Subject]:
    from conformance.subjects.library import LibrarySubject
    from conformance.subjects.patched import patched_library

    with patched_library(*patches) as copy:
        yield LibrarySubject(copy)
