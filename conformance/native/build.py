"""Compiles copies of modules, keeps them, and imports them where they are there.

`python -m conformance.native.build` makes them; nothing does so unasked.  They are kept under a
hash of all that they are made of, so that others are never taken for them.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

import conformance
import spec
from conformance.native.write_out import UNSET, fields_of, written_out


class Build(NamedTuple):
    """Modules that are compiled together: copies in packages whose names begin with `prefix`."""

    prefix: str
    modules: tuple[str, ...]
    left_out: tuple[str, ...] = ()


AUDITS: Final = Build(
    "native_",
    (
        "spec/*.py",
        "spec/rules/*.py",
        "conformance/__init__.py",
        "conformance/observe/__init__.py",
        "conformance/observe/observed.py",
        "conformance/observe/recorded.py",
        "conformance/observe/finding.py",
        "conformance/audit/__init__.py",
        "conformance/audit/safety/*.py",
        "conformance/audit/safety/partial/*.py",
        "conformance/native/__init__.py",
        "conformance/native/text.py",
        "conformance/native/reading.py",
        "conformance/native/exact.py",
        "conformance/native/safety.py",
    ),
    ("spec/properties.py", "spec/witnesses.py", "spec/steps.py", "spec/always.py"),
)
"""The fast path of audits."""

RUNS: Final = Build(
    "playing_",
    (
        "spec/*.py",
        "spec/rules/*.py",
        "conformance/__init__.py",
        "conformance/native/__init__.py",
        "conformance/native/reading.py",
        "conformance/native/text.py",
        "conformance/observe/__init__.py",
        "conformance/observe/checking.py",
        "conformance/observe/finding.py",
        "conformance/observe/observed.py",
        "conformance/observe/recorded.py",
        "conformance/simulation/__init__.py",
        "conformance/simulation/coverage.py",
        "conformance/simulation/episode.py",
        "conformance/simulation/foreign/__init__.py",
        "conformance/simulation/foreign/lines.py",
        "conformance/simulation/foreign/lockstep.py",
        "conformance/simulation/foreign/properties.py",
        "conformance/simulation/foreign/single_steps.py",
        "conformance/simulation/healing.py",
        "conformance/simulation/live.py",
        "conformance/simulation/lockstep.py",
        "conformance/simulation/run.py",
        "conformance/simulation/schedule/*.py",
        "conformance/subjects/__init__.py",
        "conformance/subjects/asking/*.py",
        "conformance/subjects/counted.py",
        "conformance/subjects/draining.py",
        "conformance/subjects/foreign/__init__.py",
        "conformance/subjects/foreign/protocol.py",
        "conformance/subjects/handed.py",
        "conformance/subjects/hidden.py",
        "conformance/subjects/library.py",
        "conformance/subjects/names.py",
        "conformance/subjects/readback.py",
        "conformance/subjects/subject.py",
        "conformance/trace/__init__.py",
        "conformance/trace/plain.py",
        "conformance/trace/translate.py",
    ),
)
"""The episodes of `conformance check`: all but the library, or the program, that is checked."""

SETUP: Final = """\
from setuptools import setup
from mypyc.build import mypycify

OPTIONS = ["--config-file=", "--ignore-missing-imports", "--follow-imports=skip"]
MODULES = {paths!r}
made = mypycify([*OPTIONS, *MODULES], group_name={group!r}, opt_level="2", debug_level="0")
setup(name="native", ext_modules=made)
"""


def sources(what: Build) -> dict[str, Path]:
    """The modules that are written out, by their paths from the folder that holds the packages."""
    roots = {"spec": spec.__path__[0], "conformance": conformance.__path__[0]}
    found = {}
    for pattern in what.modules:
        package, _, rest = pattern.partition("/")
        for path in sorted(Path(roots[package]).glob(rest)):
            found[f"{package}/{path.relative_to(roots[package]).as_posix()}"] = path
    return {name: path for name, path in found.items() if name not in what.left_out}


def stamp(what: Build) -> str:
    """What a build is made of: the modules, what writes them out, the Python that it is for."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    made_by = {name: here / name for name in ("build.py", "write_out.py", "matching.py")}
    for name, path in (sources(what) | made_by).items():
        digest.update(f"{name} {len(path.read_bytes())}\n".encode() + path.read_bytes())
    digest.update(f"{sys.version} {sysconfig.get_config_var('EXT_SUFFIX')}".encode())
    return digest.hexdigest()[:16]


def folder() -> Path:
    """Where builds are kept: in a checkout its own `build/native`, else in the user's cache."""
    checkout = Path(conformance.__path__[0]).parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / "build" / "native"
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache_home) / "raftbare-conformance"


@cache
def compiled(what: Build) -> dict[str, ModuleType] | None:
    """The compiled modules by the names of their sources; None if nobody has built just these."""
    made = folder() / stamp(what)
    if not made.is_dir():
        return None
    sys.path.append(str(made))
    try:
        names = map(module, sources(what))
        return {name: importlib.import_module(what.prefix + name) for name in names}
    finally:
        sys.path.remove(str(made))


def build(what: Build) -> Path:
    """Compile them, unless that was done.  Takes minutes.  OSError, CalledProcessError."""
    made = folder() / stamp(what)
    if made.is_dir():
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=made.parent) as name:
        work, target = Path(name), Path(name, "made")
        text = SETUP.format(paths=write_sources(what, work), group=f"{what.prefix}raftbare")
        (work / "setup.py").write_text(text, encoding="utf-8")
        subprocess.run(
            [sys.executable, "setup.py", "--quiet", "build_ext", "--build-lib", str(target)],
            cwd=work,
            check=True,
            capture_output=True,
            text=True,
        )
        target.rename(made)
    return made


def write_sources(what: Build, work: Path) -> list[str]:
    """Write the modules out; their paths in the folder."""
    prefix, files = what.prefix, sources(what)
    unset = f"{prefix}unset"
    (work / f"{unset}.py").write_text(UNSET, encoding="utf-8")
    paths = [f"{unset}.py"]
    names = {module(path): prefix + module(path) for path in files}
    fields = fields_of(path.read_text(encoding="utf-8") for path in files.values())
    for name, path in files.items():
        written = work / (prefix + name)
        written.parent.mkdir(parents=True, exist_ok=True)
        text = written_out(path.read_text(encoding="utf-8"), names, fields, unset)
        written.write_text(text, encoding="utf-8")
        paths.append(prefix + name)
    return paths


def module(path: str) -> str:
    """The name of the module at a path."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def main() -> None:
    try:
        for what in (AUDITS, RUNS):
            print(build(what))
    except subprocess.CalledProcessError as error:
        sys.exit(f"it cannot be compiled:\n{error.stdout}{error.stderr}")


if __name__ == "__main__":
    main()
