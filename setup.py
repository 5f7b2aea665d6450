"""Builds raftbare: compiled by mypyc where a C compiler is at hand, of the same files pure if not.

RAFTBARE_BUILD=compiled or RAFTBARE_BUILD=pure leaves no choice.  The sources are in either wheel.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

SOURCES = sorted(str(path) for path in Path("raftbare").rglob("*.py"))


def can_compile() -> bool:
    """Whether there is a C compiler, and the headers of this Python."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\n", encoding="utf-8")
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[get_python_inc()])
        except Exception:  # which one differs between versions of setuptools
            return False
    return True


def extensions(wanted: str) -> list[Extension]:
    if wanted not in ("", "compiled", "pure"):
        sys.exit(f"RAFTBARE_BUILD is {wanted!r}: compiled, pure or nothing was expected")
    if wanted == "pure":
        return []
    if not can_compile():
        reason = "there is no C compiler that finds the headers of this Python"
        if wanted == "compiled":
            sys.exit(f"raftbare cannot be compiled: {reason}")
        print(f"raftbare is built pure, for {reason}", file=sys.stderr)
        return []
    from mypyc.build import mypycify

    return mypycify(SOURCES, group_name="raftbare")


setup(ext_modules=extensions(os.environ.get("RAFTBARE_BUILD", "")))
