"""Write a file, all of it or nothing."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """In one step: a reader finds what was there before, or all of this, whoever else writes.

    Raises `OSError`, and leaves what was there before; what is no regular file stays, too.
    """
    if path.exists() and not path.is_file():
        raise FileExistsError(
            errno.EEXIST, "it is no regular file and cannot be replaced", str(path)
        )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
