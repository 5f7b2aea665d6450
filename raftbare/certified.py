"""The certificate: what was checked about exactly these sources, and what was found.

It is made by `conformance certify`, in the repository that this package comes from, and installed
with the package.  What reading it takes is imported when it is read: few programs do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

FILE = "certificate.json"
"""In the package's folder."""

BESIDE = ("recorder",)
"""Packages beside the node, which decide nothing of what it does: no claim speaks of them."""


class Claim(NamedTuple):
    """One method, and what it found.

    `bounds` say of what it was found, `counts` how much was looked at: the same on any machine.
    `seconds` is what it took on the one where it was made.
    """

    name: str
    what: str
    bounds: Mapping[str, int | str]
    counts: Mapping[str, int]
    seconds: float
    result: str


class Certificate(NamedTuple):
    """`sources`: the SHA-256 of every source file of `raftbare/` and `spec/`, by its path.

    `changed`: of the files of this installation, those that are not the certified ones, that are
    missing, or that no certificate speaks of.  The specification is not installed.  Of a compiled
    build it is the sources beside it that are compared.
    """

    version: str
    level: str
    sources: Mapping[str, str]
    tools: Mapping[str, str]
    claims: tuple[Claim, ...]
    not_covered: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether the installed sources are the certified ones.  O(1)."""
        return not self.changed


def certificate() -> Certificate:
    """The certificate of this package, held against the files that are installed.

    Raises `FileNotFoundError` where there is none.  Reads and hashes every source file each time.
    """
    import json
    from pathlib import Path

    package = Path(__file__).parent
    said: dict[str, Any] = json.loads((package / FILE).read_text(encoding="utf-8"))
    certified = {
        path: digest for path, digest in said["sources"].items() if path.startswith("raftbare/")
    }
    return Certificate(
        said["version"],
        said["level"],
        said["sources"],
        said["tools"],
        tuple([Claim(**claim) for claim in said["claims"]]),
        tuple(said["not_covered"]),
        changed(certified, digests(package)),
    )


def digests(package: Path) -> dict[str, str]:
    """The SHA-256 of every source file of a package, by the path from the package's parent.

    But for those of `BESIDE`.
    """
    import hashlib

    return {
        path.relative_to(package.parent).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in BESIDE
    }


def changed(certified: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """The files that are not the same in both."""
    return tuple(
        sorted(
            path
            for path in certified.keys() | found.keys()
            if certified.get(path) != found.get(path)
        )
    )
