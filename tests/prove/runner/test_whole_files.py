"""Proof cache and certificate: written whole or not at all; a broken cache is set aside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from conformance.prove.runner.cache import Cache
from conformance.prove.runner.obligation import Level, Obligation, Result
from conformance.prove.runner.sources import Sources
from conformance.release.write import write_json
from tests.prove.runner import sample


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


LEVEL: Final[Level] = "quick"
ONE: Final = Obligation("a/b", {"log": 3}, sample.raises)
RESULT: Final = Result("proved", 4, 3, 2, 1.5, "well")


class Digested(Sources):
    """The digest of any functions, as long as they are these."""

    def __init__(self) -> None:
        pass

    def digest(self, called: Iterable[str]) -> str | None:
        return "".join(called)


def kept(path: Path) -> Cache:
    cache = Cache(path, Digested())
    cache.put(LEVEL, ONE, RESULT, ("spec.rules:step",))
    cache.save()
    return cache


def one_character_each(text: str) -> Iterator[str]:
    """Each value of the file with another last character, and each name."""
    for at, (character, after) in enumerate(pairwise(text)):
        if character not in '{}[]":,' and after in '":,}]\\':
            other = "1" if character == "0" else "0" if character.isdigit() else "x"
            yield text[:at] + other + text[at + 1 :]


def test_a_cache_edited_by_one_character_is_told_and_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    kept(path)
    text = path.read_text(encoding="utf-8")
    assert Cache(path, Digested(), pytest.fail).get(LEVEL, ONE) == RESULT
    edited = list(one_character_each(text))
    values = json.loads(text)["results"].popitem()[1]
    assert len(edited) > len(values)
    for one in edited:
        warned: list[str] = []
        path.write_text(one, encoding="utf-8")
        cache = Cache(path, Digested(), warned.append)
        assert (cache.get(LEVEL, ONE), cache._results) == (None, {}), one
        assert len(warned) == 1, one
        assert (tmp_path / "results.json.damaged").read_text(encoding="utf-8") == one


def test_what_says_the_same_in_other_words_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    kept(path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1), encoding="utf-8")
    assert Cache(path, Digested(), pytest.fail).get(LEVEL, ONE) == RESULT


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
