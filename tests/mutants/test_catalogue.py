"""The catalogue: every bug that it has to have, each a small change that fits the library."""

from __future__ import annotations

import builtins
import dis
import re
import sys
from difflib import unified_diff
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import raftbare
from conformance.mutants.planted.catalogue import CATALOGUE, UnknownMutantError, by_name
from conformance.subjects.mutant import Mutant
from spec import properties

REQUIRED = {
    "votes and terms": (
        "index-only-vote",
        "term-only-vote",
        "vote-not-persisted",
        "vote-cleared-on-same-term-step-down",
        "vote-granted-twice",
        "stale-vote-reply",
        "vote-counted-twice",
        "non-voter-vote-counted",
        "non-voter-campaigns",
        "removed-node-campaigns",
        "higher-term-in-reply-ignored",
        "term-lowered-by-restart",
        "term-lowered-by-snapshot",
        "candidate-ignores-leader",
        "leader-follows-its-equal",
    ),
    "replication": (
        "truncation-on-stale-append",
        "truncation-before-conflict",
        "append-unchecked",
        "index-zero-accepted",
        "compacted-prefix-accepted",
        "compacted-prefix-is-conflict",
        "match-index-lowered",
        "match-index-raised",
        "match-index-past-log",
        "old-term-reply",
        "reply-before-write",
        "late-answer-numbered",
        "late-answer-blocks",
        "late-answer-replaces-vote",
        "accepted-always",
        "accepted-inverted",
    ),
    "calls": (
        "lagging-follower-left",
        "every-reply-answered",
        "next-index-not-moved-back",
        "next-index-too-high",
        "probe-not-numbered",
        "probe-refusal-dropped",
        "broadcast-begins-late",
        "call-without-limit",
        "call-leaves-gap",
        "window-ignored",
    ),
    "commit": (
        "earlier-term-commit",
        "commit-index-back",
        "commit-without-min",
        "commit-past-verified",
        "commit-quorum-of-half",
        "leader-counts-as-voter",
        "non-voters-counted",
        "joint-quorum-over-union",
        "old-majority-only",
        "new-majority-only",
        "lone-voter-commits-at-once",
    ),
    "membership": (
        "second-change-in-flight",
        "config-at-commit",
        "config-not-rolled-back",
        "joint-lost-in-restart",
        "joint-lost-in-snapshot",
        "joint-never-left",
        "removed-leader-stays",
        "removed-leader-leaves-early",
        "voter-and-non-voter",
    ),
    "snapshots": (
        "commit-behind-snapshot",
        "older-snapshot-installed",
        "suffix-dropped",
        "suffix-kept",
        "snapshot-config-lost",
        "snapshot-bound-off-by-one",
        "snapshot-asked-by-each-refusal",
        "pending-write-lost",
    ),
    "actions": (
        "vote-saved-before-term",
        "message-before-vote",
        "write-lost-in-merge",
        "removed-leader-calls",
        "removed-follower-called",
    ),
}
"""The bugs that the catalogue must have, by chapter."""

PROPERTIES: list[properties.Property[Any]] = [
    *properties.LOG,
    *properties.NODE,
    *properties.MEMBER,
    *properties.PAIR,
    *properties.CLUSTER,
    *properties.HISTORY,
    *properties.CHANGE,
    *properties.QUORUM,
    *properties.DISK,
    *properties.TURN,
    *properties.RECEIVE,
    *(entry for table in properties.ACTION.values() for entry in table),
]

each = pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.name)


@pytest.mark.parametrize("chapter", REQUIRED)
def test_every_bug_that_it_must_have_is_there(chapter: str) -> None:
    assert set(REQUIRED[chapter]) <= {mutant.name for mutant in CATALOGUE}


def test_names_and_descriptions_are_unique() -> None:
    assert len(CATALOGUE) >= 60
    assert len({mutant.name for mutant in CATALOGUE}) == len(CATALOGUE)
    assert len({mutant.what for mutant in CATALOGUE}) == len(CATALOGUE)
    assert len({mutant.in_library for mutant in CATALOGUE}) == len(CATALOGUE)


@each
def test_its_name_is_in_kebab_case_and_it_is_told_in_a_sentence(mutant: Mutant) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", mutant.name)
    assert mutant.what
    assert not mutant.what.endswith(".")
    assert mutant.source


@each
def test_it_breaks_a_property_of_the_specification(mutant: Mutant) -> None:
    names = {entry.name for entry in PROPERTIES}
    assert mutant.breaks in names | {"Eventually", "Specified"}


@each
def test_it_fits_the_library_and_changes_few_lines(mutant: Mutant) -> None:
    with mutant.planted() as library:
        assert library.Node.start(0).role.is_follower
        assert 1 <= changed_lines(mutant) <= 12


@each
def test_it_names_only_what_there_is(mutant: Mutant) -> None:
    """Else it would be killed by a NameError, and not for what it does."""
    with mutant.planted() as library:
        for name in {patch.file for patch in mutant.in_library}:
            module = sys.modules[f"{library.__name__}.{name}"]
            code = compile(texts(mutant, name)[1], name, "exec")
            assert global_names(code) <= vars(module).keys() | vars(builtins).keys()


@pytest.mark.parametrize(
    ("name", "near"),
    [("index-only-votes", "index-only-vote"), ("comit-index-back", "commit-index-back")],
)
def test_a_name_that_is_unknown_is_answered_with_one_that_is_near(name: str, near: str) -> None:
    with pytest.raises(UnknownMutantError, match=rf"no mutant '{name}': .*{near}"):
        by_name(name)


def test_a_name_like_no_other_is_just_unknown() -> None:
    with pytest.raises(LookupError, match=r"no mutant 'xyz'$"):
        by_name("xyz")


def changed_lines(mutant: Mutant) -> int:
    """How many lines are added, or are removed: whichever is more, in all modules together."""
    added = removed = 0
    for module in sorted({patch.file for patch in mutant.in_library}):
        before, after = texts(mutant, module)
        for line in unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""):
            added += line.startswith("+") and not line.startswith("+++")
            removed += line.startswith("-") and not line.startswith("---")
    return max(added, removed)


def texts(mutant: Mutant, module: str) -> tuple[str, str]:
    """A module without the bug, and with it."""
    assert raftbare.__file__ is not None
    folder = Path(raftbare.__file__).parent
    before = after = (folder / f"{module}.py").read_text(encoding="utf-8")
    for patch in mutant.in_library:
        if patch.file == module:
            after = after.replace(patch.old, patch.new)
    return before, after


def global_names(code: CodeType) -> set[str]:
    """The names that a module's functions look for outside themselves."""
    names = {one.argval for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= global_names(constant)
    return names
