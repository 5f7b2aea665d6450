"""Chapters of scenarios as pages: a link to a scenario becomes its story and its picture.

A chapter is a document of `docs/scenarios/`: it lists the scenarios, and pages are made of it when
the documentation is built (`docs/conf.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from conformance.show.put_together import put_together
from conformance.show.svg import drawing
from tests.scenarios.play import HERE, Player, Told, parse, perform, specification

CHAPTERS: Final = Path(__file__).parents[2] / "docs" / "scenarios"
LISTED: Final = re.compile(
    r"^- \[[\w-]+\]\(\.\./\.\./tests/scenarios/([\w-]+)\.txt\)$", re.MULTILINE
)


def listed(chapter: str) -> list[str]:
    """The scenarios that a chapter lists, in its order."""
    return LISTED.findall(chapter)


def expanded(chapter: str, pictures: Path, link: str) -> str:
    """The chapter with all of each scenario.  `link` leads to `pictures`, where pictures go."""
    pictures.mkdir(parents=True, exist_ok=True)

    def told(found: re.Match[str]) -> str:
        name = found[1]
        player = perform((HERE / f"{name}.txt").read_text(encoding="utf-8"), specification)
        path = pictures / f"{name}.svg"
        text = picture(name, player)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        return section(name, player.told, f"{link}/{name}.svg")

    return LISTED.sub(told, chapter)


def picture(name: str, player: Player) -> str:
    """All events that the scenario tells of, from the last on that it leaves out."""
    whole = put_together(player.recorder.records)
    first = begins(player.told) + 1
    return "".join(drawing(whole, first, len(whole.moments), title_of(name)))


def begins(told: list[Told]) -> int:
    """How many events come before those that are told one after another to the end."""
    ends = [0, *(one.last for one in told)]
    return max(
        one.first for one, end in zip(told, ends, strict=False) if one.first > end or not end
    )


def section(name: str, told: list[Told], link: str) -> str:
    title = title_of(name)
    intro, *blocks = told
    parts = [f"## {title}", story(intro.block.comments), f"![{title}, as a picture]({link})"]
    for one in blocks:
        parts.append(story(one.block.comments))
        if one.block.commands:
            lines = [*one.block.commands, "----", *one.block.output]
            parts.append("\n".join(["```text", *lines, "```"]))
    parts.append(f"[{name}.txt](../../tests/scenarios/{name}.txt) is all of it as a file.")
    return "\n\n".join(part for part in parts if part)


def story(comments: list[str]) -> str:
    return "\n".join(line.removeprefix("#").strip() for line in comments)


def title_of(name: str) -> str:
    return name.replace("-", " ").capitalize()


def sources() -> dict[str, list[str]]:
    """By the section of the paper, or of the dissertation, that a scenario names first."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("*.txt")):
        comments = " ".join(parse(path.read_text(encoding="utf-8"))[0].comments)
        found.setdefault(source(comments), []).append(path.stem)
    return dict(sorted(found.items()))


def source(comments: str) -> str:
    """A section of the paper, or of the dissertation; Figure 2 where a story is of what it says."""
    if named := re.search(r"[Dd]issertation, (§[\d.]+\d)", comments):
        if comments.startswith("# Dissertation"):
            return f"dissertation, {named[1]}"
    if comments.startswith("# Figure 2"):
        return "Figure 2"
    section = re.search(r"§\d+(?:\.\d+)*", comments)
    assert section is not None, comments
    return section[0]
