"""What people read of a certificate."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from conformance.cli.report.parts import columns
from conformance.cli.text import escape
from raftbare import Certificate


def print_claims(console: Console, certificate: Certificate, path: Path) -> None:
    table = columns("method", "looked at", "seconds", "result")
    for claim in certificate.claims:
        counts = ", ".join(f"{count:,} {name}" for name, count in claim.counts.items())
        table.add_row(claim.name, counts, f"{claim.seconds:,.1f}", claim.result)
    console.print(table)
    console.print(f"[bold green]certified[/] at level {certificate.level}: {escape(str(path))}")
