"""What the documents say is so: commands, outputs, links, paths, names, figures."""

from __future__ import annotations

import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import typer
import typer.core
import typer.main

from conformance.audit.decisions import DECISIONS
from conformance.cli.app import app
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import PRESETS
from conformance.mutants.planted.catalogue import CATALOGUE
from conformance.network.scenarios import SCENARIOS
from conformance.observe.verdicts import EXIT_CODES
from conformance.prove.catalogue import obligations
from conformance.prove.fixed_membership import KEPT, STEPS
from conformance.prove.statements.claims import CLAIMS, Claim
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.lemmas import LEMMAS
from raftbare import certificate

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for folder in (".", "docs", "traces")
    for path in (ROOT / folder).glob("*.md")
)
every_document = pytest.mark.parametrize("name", DOCUMENTS)

LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*/?")
FILE = re.compile(r".*\.(py|md|toml|jsonl?|tla|cfg|svg|txt)")
DOTTED = re.compile(r"(?:spec|raftbare|conformance)(?:\.\w+)+(?:\(\))?")
PROGRESS = re.compile(r" *\d+ s  (verifying|checking|live nodes|auditing)\b.*")
"""What a slow machine is told of `make verify`."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(document: str) -> str:
    """A document without its blocks of code."""
    return FENCE.sub("", document)


# Command lines


def commands(document: str) -> list[list[str]]:
    """Every command line that a document shows: in shell blocks, after a prompt, and inline."""
    lines: list[str] = []
    for language, block in FENCE.findall(document):
        for line in block.splitlines():
            if language == "sh":
                lines.append(line)
            elif language == "text" and line.startswith("$ "):
                lines.append(line.removeprefix("$ "))
    lines += INLINE.findall(prose(document))
    split = [shlex.split(line, comments=True) for line in lines if line.count("'") != 1]
    return [words for words in split if len(words) > 1]


def mistakes(document: str) -> list[str]:
    """The command lines that would not work, each with what is wrong with it."""
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    wrong: list[str] = []
    for program, *arguments in commands(document):
        if program == "make":
            wrong += [f"make {target}" for target in arguments if target not in targets]
        elif program in ("conformance", ".venv/bin/conformance"):
            problem = usage_problem(arguments)
            wrong += [f"{shlex.join([program, *arguments])}: {problem}"] if problem else []
        elif program == "pytest":
            wrong += [path for path in arguments if not (ROOT / path).exists()]
        elif program.endswith("python") and arguments[0] != "-m":
            wrong += [] if (ROOT / arguments[0]).is_file() else [arguments[0]]
    return wrong


@cache
def subcommands() -> typer.core.TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group


def usage_problem(arguments: list[str]) -> str | None:
    """Parse a command line as the program would, without running it."""
    if arguments == ["--version"]:
        return None
    subcommand = subcommands().commands.get(arguments[0])
    if subcommand is None:
        return f"there is no {arguments[0]}"
    try:
        subcommand.make_context(arguments[0], arguments[1:])
    except Exception as error:  # whatever the parser says
        return str(error) or type(error).__name__
    return None


@every_document
def test_every_command_line_shown_would_work(name: str) -> None:
    assert mistakes(text(name)) == []


def test_readme_names_its_commands_and_the_documents_all() -> None:
    readme = [" ".join(words[:2]) for words in commands(text("README.md"))]
    for command in ("make verify", "make test", "make setup"):
        assert command in readme
    for subcommand in ("check", "replay", "audit"):
        assert f"conformance {subcommand}" in readme
    shown = {" ".join(words[:2]) for name in DOCUMENTS for words in commands(text(name))}
    assert shown >= {f"conformance {subcommand}" for subcommand in subcommands().commands}


@pytest.mark.parametrize(
    "line",
    [
        "make nothing",
        "conformance chekc",
        "conformance check --event 3",
        "conformance audit --level most FILE",
        "conformance replay",
        "pytest tests/none",
        ".venv/bin/python examples/none.py",
    ],
)
def test_a_command_line_that_would_not_work_is_found(line: str) -> None:
    assert len(mistakes(f"Run `{line}`.")) == 1
    assert len(mistakes(f"```text\n$ {line}\n```\n")) == 1


# What commands print


def shown_outputs() -> dict[str, list[str]]:
    """By the command, what the documents show of its output."""
    outputs: dict[str, list[str]] = {}
    for name in DOCUMENTS:
        for language, block in FENCE.findall(text(name)):
            if language == "text" and block.startswith("$ "):
                for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                    command, _, output = one.partition("\n")
                    outputs.setdefault(command, []).append(output)
    return outputs


def fits(shown: str, printed: str) -> bool:
    """Whether that is what was printed: `...` stands for anything, and seconds are the machine's.

    Spaces and line ends are as good as one another, for they depend on the width of the terminal.
    """
    pattern = re.escape(" ".join(shown.split()))
    pattern = pattern.replace(r"\.\.\.", ".*?").replace(r"\ ", r"\s+")
    pattern = re.sub(r"(\\\s\+)?\.\*\?(\\s\+)?", ".*?", pattern)
    pattern = re.sub(r"\d+\\\.\d+\\s\+s", r"[\\d.]+\\s+s", pattern)
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def test_an_output_fits_what_is_shown_of_it() -> None:
    printed = "seen 3, 1.2 s\n  a  1\n  b  2\nended: well\n"
    assert fits("seen 3, 3.4 s\n...\n b 2\nended: well", printed)
    assert fits("...\nended: ...", printed)
    assert not fits("seen 4, 3.4 s\n...", printed)
    assert not fits("seen 3, 3.4 s\n b 2\n...", printed)
    assert not fits("seen 3, 3.4 s\n...\n b 2", printed)


CHANGED = (
    "make verify",
    "conformance explore --terms 3 --log 4 --in-flight 1",
    "conformance prove --only 'vote call'",
)
"""Shown of the library with the change that the README shows."""
ELSEWHERE = {
    ".venv/bin/python examples/cluster.py": "tests/release/test_examples.py",
    "conformance prove": "its obligations are counted below; their paths take half a minute",
    "conformance check --subject ./raft": "tests/subjects/foreign/test_foreign_commands.py",
    "conformance measure --subject ./raft --only steady": (
        "tests/subjects/foreign/test_foreign_measured.py"
    ),
    "conformance mutants --only earlier-term-commit": "half a minute; see tests/mutants",
    **{
        command: "tests/kvstore/test_readme.py"
        for command in shown_outputs()
        if "kvstore" in command
    },
    ".venv/bin/conformance audit cluster": "tests/kvstore/test_readme.py",
}


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """A folder to run commands in, with the traces."""
    (tmp_path / "traces").symlink_to(ROOT / "traces")
    return tmp_path


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, with the change that the README shows."""
    copy = tmp_path_factory.mktemp("changed")
    for package in ("raftbare", "spec", "conformance"):
        no_caches = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / package, copy / package, ignore=no_caches)
    (diff,) = (block for language, block in FENCE.findall(text("README.md")) if language == "diff")
    old, new = (re.findall(rf"^{sign}(.+)$", diff, re.MULTILINE) for sign in (r"-", r"\+"))
    rules = copy / "raftbare" / "rules.py"
    source = rules.read_text(encoding="utf-8")
    assert source.count(old[0]) == 1
    rules.write_text(source.replace(old[0], new[0]), encoding="utf-8")
    return copy


def printed_by(command: str, tree: Path, where: Path) -> str:
    """What a command prints, run on the sources in `tree`, in the folder `where`."""
    program, *arguments = shlex.split(command)
    if program == "conformance":
        arguments = ["-c", "from conformance.cli.app import main; main()", *arguments]
    else:
        arguments = [str(ROOT / arguments[0]), *arguments[1:]]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)] == []
    return done.stdout


@pytest.mark.parametrize("command", CHANGED)
def test_what_is_shown_of_a_change_is_printed(command: str, changed: Path, where: Path) -> None:
    printed = printed_by(command.replace("make", "conformance"), changed, where)
    for shown in shown_outputs()[command]:
        assert fits(shown, printed), printed


def test_what_is_shown_of_the_library_is_printed(where: Path) -> None:
    outputs = {
        command: shown
        for command, shown in shown_outputs().items()
        if command not in CHANGED and command not in ELSEWHERE
    }
    assert len(outputs) >= 4
    for command, all_shown in outputs.items():
        printed = printed_by(command, ROOT, where)
        for shown in all_shown:
            assert fits(shown, printed), printed


def test_the_obligations_shown_are_those_of_level_quick() -> None:
    (shown,) = shown_outputs()["conformance prove"]
    groups = Counter("/".join(one.name.split("/")[:2]) for one in obligations("quick"))
    rows = re.findall(r"^(\w+/[a-z ]+?)  +(\d+) ", shown, re.MULTILINE)
    assert len(rows) == 4
    assert [(name, int(count)) for name, count in rows] == [
        (name, groups[name]) for name, _ in rows
    ]
    assert f"proved: {groups.total()} obligations, " in shown


# Links, paths, names


def anchors(document: str) -> set[str]:
    """What a link may name in a document: its headings, as web pages call them."""
    headings = (heading.lower().replace("`", "") for heading in HEADING.findall(prose(document)))
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}


def broken_links(document: str, folder: Path = ROOT) -> list[str]:
    """Relative links that lead nowhere, seen from the folder of the document."""
    broken: list[str] = []
    for link in LINK.findall(prose(document)):
        path, _, anchor = link.partition("#")
        target = folder / path
        if "://" in link:
            continue
        if path and not target.exists():
            broken.append(link)
        elif anchor:
            there = target.read_text(encoding="utf-8") if path else document
            broken += [] if anchor in anchors(there) else [link]
    return broken


@every_document
def test_every_link_leads_somewhere(name: str) -> None:
    assert LINK.findall(text(name)), "no link was recognized"
    assert broken_links(text(name), (ROOT / name).parent) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    document = "# One\n[a](spec/values.py) [b](spec/none.py) [c](#one) [d](#two) [e](README.md#two)"
    assert broken_links(document) == ["spec/none.py", "#two", "README.md#two"]


def missing_paths(document: str, folder: Path = ROOT) -> list[str]:
    """Back-quoted paths to nothing.  One that git ignores is made by a command."""
    made = text(".gitignore").split()  # folders, and patterns
    rooms = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir()}
    rooms |= {f"{path.name}/" for path in (ROOT / "conformance").iterdir() if path.is_dir()}
    return [
        path
        for path in INLINE.findall(prose(document))
        if PATH.fullmatch(path)
        and (path.endswith("/") or FILE.fullmatch(path) or path.startswith(tuple(rooms)))
        and not any(path.startswith(one) or fnmatch(path, one) for one in made)
        and not any((base / path).exists() for base in (folder, ROOT, ROOT / "conformance"))
    ]


@every_document
def test_every_path_exists(name: str) -> None:
    assert missing_paths(text(name), (ROOT / name).parent) == []


def test_a_path_to_nothing_is_found() -> None:
    document = "`spec/values.py` `spec/none.py` `none.toml` `conformance/none` `findings/x.jsonl`"
    assert missing_paths(document) == ["spec/none.py", "none.toml", "conformance/none"]


@every_document
def test_every_dotted_name_exists(name: str) -> None:
    for dotted in INLINE.findall(prose(text(name))):
        if DOTTED.fullmatch(dotted):
            assert pkgutil.resolve_name(dotted.removesuffix("()")) is not None


def test_the_rooms_are_drawn_as_the_contract_has_them() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one.get("containers") == ["conformance"])
    drawing = next(block for _, block in FENCE.findall(text("ARCHITECTURE.md")))
    assert re.findall(r"^  (\w+(?: \| \w+)*)  ", drawing, re.MULTILINE) == layers


# Figures and tables


def test_exit_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", text("docs/verify.md"), re.MULTILINE)
    assert len(rows) == len(EXIT_CODES)
    assert {verdict: int(code) for code, verdict in rows} == EXIT_CODES


def test_every_decision_is_listed() -> None:
    rows = re.findall(r"^\| (D\d) \|", text("docs/decisions.md"), re.MULTILINE)
    assert rows == [decision.name for decision in DECISIONS]
    assert rows == [f"D{number}" for number in range(1, 10)]


LARGE = 20_000
"""States of bounds that are not counted anew here, but compared with the certificate."""


def test_the_states_of_the_preset_quick_are_counted() -> None:
    """And so a search that visits more or fewer is noticed."""
    document = text("docs/verify.md")
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| (\d+) \|", document, re.MULTILINE)
    told = {name: (int(states.replace(",", "")), int(depth)) for name, states, depth in rows}
    assert set(told) == set(PRESETS["quick"])
    certified = {claim.name: claim.counts for claim in certificate().claims}["exploration"]
    for name, bounds in PRESETS["quick"].items():
        states, depth = told[name]
        assert certified[f"states of {name}"] == states, name
        if states < LARGE:
            report = explore(Options(bounds, library=None, eventually=False))
            assert (report.distinct, report.depth) == (states, depth), name
    total = sum(states for states, _ in told.values())
    assert f"{total:,} distinct" in document.replace("\n", " ")


def test_every_scenario_is_told_and_every_mutant_counted() -> None:
    document = text("docs/verify.md").split("\n## In virtual time\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\w-]+(?:, [\w-]+)*): ", document, re.MULTILINE)
    assert sorted(name for row in rows for name in row.split(", ")) == sorted(SCENARIOS)
    assert f"The catalogue has {len(CATALOGUE)} mutants." in text("docs/verify.md")


def test_the_kills_are_those_that_the_certificate_claims() -> None:
    said = certificate()
    if said.level != "full":
        pytest.skip("the certificate is not of level full: it says nothing of mutants")
    counts = {claim.name: claim.counts for claim in said.claims}["mutants"]
    document = text("docs/verify.md")
    for row, suffix in (("by comparison", ""), ("by the properties alone", " alone")):
        (told,) = re.findall(rf"^\| {row} \| (.+) \|$", document, re.MULTILINE)
        methods = ("schedules", "exploration", "proofs", "audit")
        assert told == " | ".join(str(counts[f"killed by {name}{suffix}"]) for name in methods)
    assert counts["killed"] == counts["killed by two methods or more"] == counts["mutants"]
    by_three = counts["killed by three methods or more"]
    assert (
        f"At level full all {counts['mutants']} are found, each by two methods at least and "
        f"{by_three} by three or more"
    ) in document.replace("\n", " ")


def test_readme_tells_the_speed_that_was_measured() -> None:
    (row,) = re.findall(r"^\| 3, 16 \| (.+) \|$", text("docs/speed.md"), re.MULTILINE)
    pure, compiled = (cell.split(" (")[0] for cell in row.split(" | ")[2:4])
    readme = " ".join(text("README.md").split())
    assert f"commit {pure} commands a second in batches of 16, and {compiled} compiled" in readme


def test_every_lemma_and_claim_is_told_in_its_words() -> None:
    document = text("PROOFS.md")
    told = re.findall(r"^\| (\w+) \|(?: [a-z ]+ \|)? (.+) \|$", document, re.MULTILINE)
    facts: list[Lemma | Claim] = [*LEMMAS, *CLAIMS]
    assert set(told) >= {(fact.name, fact.words) for fact in facts}
    assert [name for name, _ in told if name[0].isupper()] == [fact.name for fact in facts]


def test_the_bounds_of_the_proofs_are_told() -> None:
    rows = re.findall(r"^\| (quick|full|deep) \| (.+) \| (.+) \|", text("PROOFS.md"), re.MULTILINE)
    assert [level for level, _, _ in rows] == list(KEPT)
    for level, kept, steps in rows:
        sizes = [f"{size} voters, {entries} entries" for size, entries in KEPT[level]]
        assert kept == "; ".join(sizes)
        assert steps == "{} voters, {} entries".format(*STEPS[level])
