"""A file that is written of recordings, which is none of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conformance.cli.terminal import refuse


def writable(out: Path, files: Iterable[Path], as_json: bool) -> None:
    """Refuse to write over a recording, or over what is no regular file."""
    if not out.exists():
        return
    if not out.is_file():
        refuse(f"{out}: is no regular file; expected a file to write", as_json)
    if any(file.exists() and out.samefile(file) for file in files):
        refuse(f"{out}: is a recording; expected another file to write", as_json)
