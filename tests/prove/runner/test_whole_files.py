"""Proof cache and certificate: written whole or not at all; a broken cache is set aside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from conformance.prove.runner.cache import Cache
from conformance.prove.runner.sources import Sources
from conformance.release.write import write_json


def stopped(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 2}', b"\xff"])
def test_a_broken_cache_is_told_and_set_aside(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content)
    warned: list[str] = []
    cache = Cache(path, Sources.__new__(Sources), warned.append)
    assert len(warned) == 1
    assert (tmp_path / "results.json.damaged").read_bytes() == content
    cache.save()
    assert Cache(path, Sources.__new__(Sources), warned.append)._results == {}
    assert len(warned) == 1


def test_a_write_that_is_stopped_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"before": 1})
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", stopped)
    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"after": 1})
    with pytest.raises(KeyboardInterrupt):
        Cache(tmp_path / "other.json", Sources.__new__(Sources)).save()
    assert [one.name for one in tmp_path.iterdir()] == ["file.json"]
    assert path.read_bytes() == before
