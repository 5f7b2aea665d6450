"""The build: pure Python, or the same files compiled; and the certificate that comes with it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import raftbare
from raftbare import Claim, certified, node


def test_the_package_tells_whether_it_is_compiled() -> None:
    assert Path(str(node.__file__)).suffix == (".py" if not raftbare.compiled else ".so")


def test_the_sources_are_there_in_either_build() -> None:
    """Proofs run on them, and tracebacks quote them."""
    folder = Path(str(raftbare.__file__)).parent
    assert {"node.py", "rules.py", "py.typed"} <= {path.name for path in folder.iterdir()}


def test_the_library_needs_nothing_that_the_compiler_came_with(tmp_path: Path) -> None:
    """Neither build: a compiled one asks for `mypy_extensions` as well, and does without."""
    code = (
        "import sys; sys.modules['mypy_extensions'] = None\n"
        "import raftbare\n"
        "node = raftbare.Node.start(raftbare.NodeId(0))\n"
        "print(node.create_cluster([node.id]).index, len(list(node.actions)))\n"
    )
    assert raftbare.__file__ is not None
    found = str(Path(raftbare.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": found},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "1 6\n"


# The certificate: how it is read, and held against the files that are there


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


def test_what_stands_beside_the_node_is_not_certified(package: Path) -> None:
    (package / "recorder").mkdir()
    (package / "recorder" / "lines.py").write_text("c", encoding="utf-8")
    assert certified.certificate().is_current is True


def test_files_are_compared_one_by_one() -> None:
    assert certified.changed({"a": "1", "b": "2", "c": "3"}, {"a": "2", "b": "1", "c": "3"}) == (
        "a",
        "b",
    )


def test_without_a_certificate_there_is_none(package: Path) -> None:
    (package / certified.FILE).unlink()
    with pytest.raises(FileNotFoundError):
        certified.certificate()
