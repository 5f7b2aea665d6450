"""What people read of a conversion."""

from __future__ import annotations

from rich.console import Console

from conformance.cli.report.audit import names_line
from conformance.cli.text import escape
from conformance.importers.convert import Converted


def print_converted(console: Console, converted: Converted) -> None:
    console.print(
        f"{escape(converted.path)}: {converted.moments:,} moments of {converted.nodes} nodes "
        f"({escape(converted.implementation)})",
        soft_wrap=True,
    )
    if converted.names:
        console.print(names_line(converted.names), soft_wrap=True)
