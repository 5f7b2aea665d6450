"""A file is written whole or not at all, and nothing but a file is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.observe.write import write_whole


def failing() -> Iterator[str]:
    yield "half"
    raise OSError("no room")


@pytest.mark.parametrize("before", [None, "before"])
def test_what_was_there_stays_where_writing_fails(before: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_text(before, encoding="utf-8")
    with pytest.raises(OSError, match="no room"):
        write_whole(path, failing())
    assert [one.name for one in tmp_path.iterdir()] == ([] if before is None else ["file"])
    assert before is None or path.read_text(encoding="utf-8") == before
    write_whole(path, ["all ", "of it"])
    assert path.read_text(encoding="utf-8") == "all of it"


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    """As /dev/null, or a pipe that somebody reads."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FileExistsError, match="no regular file"):
            write_whole(tmp_path / name, ["x"])
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder", "pipe"]
