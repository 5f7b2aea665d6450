"""The forms that a picture can be had in, and files of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from conformance.show.itf import itf
from conformance.show.mermaid import mermaid
from conformance.show.model import Picture
from conformance.show.page.render import page
from conformance.show.shiviz import shiviz
from conformance.show.svg import svg
from conformance.show.text import text

FORMS: Final[dict[str, Callable[[Picture], Iterator[str]]]] = {
    "text": text,
    "page": page,
    "mermaid": mermaid,
    "itf": itf,
    "shiviz": shiviz,
    "svg": svg,
}

SUFFIXES: Final = {
    ".html": "page",
    ".mmd": "mermaid",
    ".json": "itf",
    ".shiviz": "shiviz",
    ".svg": "svg",
}


def form_of(path: Path | None) -> str:
    """The form that a file's name asks for; text where it asks for none."""
    return "text" if path is None else SUFFIXES.get(path.suffix.lower(), "text")
