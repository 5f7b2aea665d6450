"""The page: a template, a style and a script, and the data that they show, in one file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from conformance.observe.templates import templates
from conformance.show.model import Picture
from conformance.show.page.data import plain

HERE: Final = Path(__file__).parent
SCRIPTS: Final = ("run.js", "diagram.js", "panels.js", "main.js")


def page(picture: Picture) -> Iterator[str]:
    """The text of the page, in pieces."""
    return rendered(plain(picture))


def rendered(data: dict[str, Any]) -> Iterator[str]:
    """The page that shows what `plain` made.

    Nothing of a recording is markup in it: the template escapes, the data is JSON without angle
    brackets, the script makes text of it, and the browser is told to run no other script.
    """
    environment = templates(HERE)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": True}
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    template = environment.get_template("page.html.j2")
    yield from template.stream(
        data=data,
        size=f"{_many(data['moments'], 'event')} of {_many(data['nodes'], 'server')}",
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        allowed=b64encode(sha256(script.encode()).digest()).decode(),
    )


def _many(of: list[Any], what: str) -> str:
    return f"{len(of):,} {what}{'' if len(of) == 1 else 's'}"
