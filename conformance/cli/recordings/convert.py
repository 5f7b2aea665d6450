"""`conformance convert`: its options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import Json
from conformance.cli.recordings.output import writable
from conformance.cli.terminal import conclude, progress, refuse
from conformance.observe.verdicts import Format


def convert_command(
    files: Annotated[
        list[Path], typer.Argument(readable=False, help="Recordings of another implementation.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="OUT", help="The trace to write; .gz, .zst.")
    ],
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="What wrote the recordings; auto: what their first lines say."
        ),
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Write what another implementation recorded as a trace of this project's format."""
    from conformance.cli.report.convert import print_converted
    from conformance.importers.convert import convert
    from conformance.trace.errors import BadTrace

    writable(out, files, as_json)
    try:
        with progress("converting", as_json) as tell:
            converted = convert(files, out, form, lambda done: tell(f"{done:,} moments"))
    except (BadTrace, ValueError) as error:
        refuse(str(error), as_json)
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}; expected a place for it", as_json)
    conclude(converted, as_json, partial(print_converted, converted=converted))
