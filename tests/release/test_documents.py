"""What the documents say exists: commands, options, links, exit codes."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import typer.core
import typer.main

from conformance.cli.app import app
from conformance.explore.search.run import Options, explore
from conformance.explore.states.bounds import PRESETS
from conformance.observe.verdicts import EXIT_CODES
from conformance.prove.fixed_membership import KEPT, STEPS
from conformance.prove.statements.claims import CLAIMS, Claim
from conformance.prove.statements.lemma import Lemma
from conformance.prove.statements.lemmas import LEMMAS
from conformance.simulation.check import Options as Checking
from conformance.simulation.check import check
from raftbare import certificate

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "PROOFS.md")
LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(document: str) -> list[list[str]]:
    """Every command line that a document shows: in shell blocks, after a prompt, and inline."""
    lines: list[str] = []
    for language, block in FENCE.findall(document):
        for line in block.splitlines():
            if language == "sh":
                lines.append(line)
            elif language == "text" and line.startswith("$ "):
                lines.append(line.removeprefix("$ "))
    lines += INLINE.findall(FENCE.sub("", document))
    split = [shlex.split(line, comments=True) for line in lines if "'" not in line]
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
        elif program.endswith("python") and arguments[0] != "-m":
            wrong += [] if (ROOT / arguments[0]).is_file() else [arguments[0]]
    return wrong


def usage_problem(arguments: list[str]) -> str | None:
    """Parse a command line as the program would, without running it."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    subcommand = group.commands.get(arguments[0])
    if subcommand is None:
        return f"there is no {arguments[0]}"
    try:
        subcommand.make_context(arguments[0], arguments[1:])
    except Exception as error:  # whatever the parser says
        return str(error) or type(error).__name__
    return None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_line_shown_would_work(name: str) -> None:
    assert mistakes(text(name)) == []


def test_readme_names_its_commands() -> None:
    shown = [" ".join(words[:2]) for words in commands(text("README.md"))]
    for command in ("make verify", "make test", "make setup"):
        assert command in shown
    for subcommand in ("check", "replay", "audit"):
        assert f"conformance {subcommand}" in shown


@pytest.mark.parametrize(
    "line",
    [
        "make nothing",
        "conformance chekc",
        "conformance check --event 3",
        "conformance audit --level most FILE",
        "conformance replay",
        ".venv/bin/python examples/none.py",
    ],
)
def test_a_command_line_that_would_not_work_is_found(line: str) -> None:
    assert len(mistakes(f"Run `{line}`.")) == 1
    assert len(mistakes(f"```text\n$ {line}\n```\n")) == 1


def broken_links(document: str) -> list[str]:
    links = [link for link in LINK.findall(FENCE.sub("", document)) if "://" not in link]
    return [link for link in links if not (ROOT / link.split("#")[0]).exists()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    assert LINK.findall(text(name)), "no link was recognized"
    assert broken_links(text(name)) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert broken_links("See [this](spec/cluster.py) and [that](spec/none.py).") == ["spec/none.py"]


def test_exit_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", text("README.md"), re.MULTILINE)
    assert len(rows) == len(EXIT_CODES)
    assert {verdict: int(code) for code, verdict in rows} == EXIT_CODES


def test_every_decision_is_listed() -> None:
    rows = re.findall(r"^\| (D\d) \|", text("ARCHITECTURE.md"), re.MULTILINE)
    assert rows == [f"D{number}" for number in range(1, 10)]


def test_readme_counts_the_states_of_the_preset_quick() -> None:
    """And so a search that visits more or fewer is noticed."""
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| (\d+) \|", text("README.md"), re.MULTILINE)
    told = {name: (int(states.replace(",", "")), int(depth)) for name, states, depth in rows}
    assert set(told) == set(PRESETS["quick"])
    for name, bounds in PRESETS["quick"].items():
        report = explore(Options(bounds, library=None, eventually=False))
        assert (report.distinct, report.depth) == told[name], name
    total = sum(states for states, _ in told.values())
    assert f"{total:,} distinct" in text("README.md").replace("\n", " ")


def test_readme_shows_what_a_check_counts() -> None:
    """The same seed gives the same events; only the seconds are the machine's."""
    document = text("README.md")
    report = check(Checking(events=20_000))
    (_, shown) = document.split("$ conformance check --events 20000\n")
    first, _, _, second = shown.splitlines()[:4]
    assert first.startswith(
        f"{report.events:,} events in {report.episodes:,} episodes, {report.steps:,} steps, "
    )
    pairs = re.findall(r"([\d,]+)  (\w+)", second)
    assert len(pairs) == 3
    assert all(report.witnesses[name] == int(count.replace(",", "")) for count, name in pairs)


def test_readme_has_the_kills_that_the_certificate_claims() -> None:
    said = certificate()
    if said.level != "full":
        pytest.skip("the certificate is not of level full: it says nothing of mutants")
    counts = {claim.name: claim.counts for claim in said.claims}["mutants"]
    document = text("README.md")
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
