"""What the commands have in common: where they print, and how they refuse."""

from __future__ import annotations

import json
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape


def output(width: int = 160) -> Console:
    """Where results go; as wide as the terminal, or of this width where there is none."""
    return Console() if Console().is_terminal else Console(width=width)


def refuse(problem: str, as_json: bool, verdict: str = "bad_input", code: int = 2) -> NoReturn:
    """End without a result, saying why."""
    if as_json:
        print(json.dumps({"verdict": verdict, "error": problem}, indent=2))
    else:
        label = "error" if verdict == "bad_input" else verdict
        Console(stderr=True).print(f"[red]{label}:[/] {escape(problem)}", soft_wrap=True)
    raise typer.Exit(code)
