"""The certificate: how it is read, and held against the files that are there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from raftbare import Claim, certified

CLAIM = Claim("one", "all is well", {"seed": 0}, {"events": 3}, 1.5, "conforms")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two files, which its certificate speaks of as they are."""
    package = tmp_path / "raftbare"
    (package / "within").mkdir(parents=True)
    (package / "a.py").write_text("a", encoding="utf-8")
    (package / "within" / "b.py").write_text("b", encoding="utf-8")
    said = {
        "version": "1.2.3",
        "level": "quick",
        "sources": {**certified.digests(package), "spec/node.py": "not installed"},
        "tools": {"python": "3.11"},
        "claims": [CLAIM._asdict()],
        "not_covered": ["the rest"],
    }
    (package / certified.FILE).write_text(json.dumps(said), encoding="utf-8")
    monkeypatch.setattr(certified, "__file__", str(package / "certified.py"), raising=False)
    return package


def test_it_is_read_as_it_was_written(package: Path) -> None:
    said = certified.certificate()
    assert said[:2] == ("1.2.3", "quick")
    assert said.sources["raftbare/within/b.py"] == hashlib.sha256(b"b").hexdigest()
    assert set(said.sources) == {"raftbare/a.py", "raftbare/within/b.py", "spec/node.py"}
    assert said.tools == {"python": "3.11"}
    assert (said.claims, said.not_covered) == ((CLAIM,), ("the rest",))


def test_files_as_they_were_are_the_certified_ones(package: Path) -> None:
    said = certified.certificate()
    assert said.changed == ()
    assert said.is_current is True


def test_what_was_edited_added_or_removed_is_named(package: Path) -> None:
    (package / "a.py").unlink()
    (package / "c.py").write_text("c", encoding="utf-8")
    (package / "within" / "b.py").write_text("other", encoding="utf-8")
    said = certified.certificate()
    assert said.changed == ("raftbare/a.py", "raftbare/c.py", "raftbare/within/b.py")
    assert said.is_current is False


def test_files_are_compared_one_by_one() -> None:
    assert certified.changed({"a": "1", "b": "2", "c": "3"}, {"a": "2", "b": "1", "c": "3"}) == (
        "a",
        "b",
    )


def test_without_a_certificate_there_is_none(package: Path) -> None:
    (package / certified.FILE).unlink()
    with pytest.raises(FileNotFoundError):
        certified.certificate()
