"""The forms that a picture can be had in, and files of them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from conformance.show.itf import itf
from conformance.show.mermaid import mermaid
from conformance.show.model import Picture
from conformance.show.page.render import page
from conformance.show.shiviz import shiviz
from conformance.show.text import text

FORMS: Final[dict[str, Callable[[Picture], Iterator[str]]]] = {
    "text": text,
    "page": page,
    "mermaid": mermaid,
    "itf": itf,
    "shiviz": shiviz,
}

SUFFIXES: Final = {".html": "page", ".mmd": "mermaid", ".json": "itf", ".shiviz": "shiviz"}


def form_of(path: Path | None) -> str:
    """The form that a file's name asks for; text where it asks for none."""
    return "text" if path is None else SUFFIXES.get(path.suffix.lower(), "text")


def write(path: Path, pieces: Iterable[str]) -> None:
    """All of it in one step, or nothing: what was there before stays if something fails."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
