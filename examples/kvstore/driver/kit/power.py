"""What files hold after the power went: what was synced, and any part of what was written since."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch


class Power:
    """Of the files in a folder: notes what is synced while `watched`; `lose` takes the rest away.

    It sees `os.fsync` and `os.fdatasync` where Python code calls them, so writes of a library in C
    have to be torn in another way.  That a file's new name is on the disk with the file is taken
    for granted.
    """

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder = folder
        self._random = random
        self._synced: dict[int, bytes] = {}  # by the number of the file's inode

    @contextmanager
    def watched(self) -> Iterator[None]:
        with (
            patch.object(os, "fsync", self._noting(os.fsync)),
            patch.object(os, "fdatasync", self._noting(os.fdatasync)),
        ):
            yield

    def lose(self, path: Path) -> None:
        """Of each file there, what was not synced: all of it, or what follows any byte."""
        for file in self._files(path):
            number, written = file.stat().st_ino, file.read_bytes()
            kept = self._random.choice([0, self._random.randint(0, len(written))])
            self._synced[number] = written[:kept] + self._synced.get(number, b"")[kept:]
            file.write_bytes(self._synced[number])

    def _noting(self, sync: Callable[[Any], None]) -> Callable[[Any], None]:
        def noted(opened: Any) -> None:
            sync(opened)
            number = os.stat(opened if isinstance(opened, int) else opened.fileno()).st_ino
            for file in self._files(self._folder):
                if file.stat().st_ino == number:
                    self._synced[number] = file.read_bytes()

        return noted

    @staticmethod
    def _files(path: Path) -> list[Path]:
        return [file for file in path.rglob("*") if file.is_file()]
