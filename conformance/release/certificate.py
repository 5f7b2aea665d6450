"""Make a certificate, and hold one against the sources."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import raftbare
import spec
from conformance.observe.verdicts import Level
from conformance.release.write import write_json
from raftbare.certified import FILE, Certificate, certificate, changed, digests

assert raftbare.__file__ is not None
PATH: Final = Path(raftbare.__file__).parent / FILE

TOOLS: Final = ("z3-solver", "numpy", "pydantic")
"""What the checks rest on, besides Python."""

VERSION: Final = 1
"""Of the certificate's format."""


def sources() -> dict[str, str]:
    """The SHA-256 of every source file that is certified, by its path."""
    found: dict[str, str] = {}
    for package in (raftbare, spec):
        assert package.__file__ is not None
        found |= digests(Path(package.__file__).parent)
    return found


def tools() -> dict[str, str]:
    known = {"python": platform.python_version(), "implementation": sys.implementation.name}
    for name in TOOLS:
        try:
            known[name] = version(name)
        except PackageNotFoundError:  # a checkout's environment has them all
            known[name] = "unknown"
    return known


def make(level: Level, tell: Callable[[str], None] = lambda _: None) -> dict[str, object]:
    """Run every method at this level.

    Raises `FailedError` where one does not conform, `EditedError` where the sources were edited
    meanwhile.
    """
    from conformance.release.claims import CLAIMS, NOT_COVERED  # which need numpy and z3

    before = sources()
    claims = [claim(level, tell)._asdict() for claim in CLAIMS[level]]
    if sources() != before:
        raise EditedError("the sources were edited meanwhile: what was checked is not known")
    return {
        "format": VERSION,
        "version": raftbare.__version__,
        "level": level,
        "sources": before,
        "tools": tools(),
        "claims": claims,
        "not_covered": list(NOT_COVERED[level]),
    }


class EditedError(Exception):
    """The sources did not stay the same while they were checked."""


class NoCertificateError(Exception):
    """There is none, or what is there is none."""


def write(certificate: dict[str, object], path: Path = PATH) -> None:
    write_json(path, certificate)


def stale(path: Path = PATH, found: Callable[[], dict[str, str]] = sources) -> tuple[str, ...]:
    """The source files that are not as they were when the certificate was made."""
    with _readable(path):
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["format"] != VERSION:
            raise ValueError(f"format {said['format']!r}, this reads {VERSION}")
        return changed(dict(said["sources"]), found())


def said() -> Certificate:
    """What the library says of itself.  Raises `NoCertificateError`."""
    with _readable(PATH):
        return certificate()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoCertificateError(
            f"{path}: no certificate can be read there ({type(error).__name__}: {error}); "
            "conformance certify makes one"
        ) from error
