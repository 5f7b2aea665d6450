"""`conformance show`: its options, and where the picture goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from conformance.cli.options import Json
from conformance.cli.recordings.output import writable
from conformance.cli.terminal import finish, print_json, progress, refuse, warn


def show_command(
    files: Annotated[list[Path], typer.Argument(readable=False, help="Recordings of one cluster.")],
    form: Annotated[
        Literal["text", "page", "mermaid", "itf", "shiviz", "svg"] | None,
        typer.Option(
            "--as",
            help="text: a line an event.  page: a web page that needs no network.  mermaid: a "
            "sequence diagram.  itf: the states, as Apalache and Quint write them.  shiviz: a log "
            "with vector clocks.  svg: a drawing.  "
            "Default: as the name of the output says, or else text.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there; else it is printed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what was sent, received, lost, saved and decided, and the first thing that was wrong.

    The exit code says whether that could be shown, and not whether it was Raft: `audit` judges.
    """
    from conformance.observe.write import write_whole
    from conformance.show.forms import FORMS, form_of
    from conformance.show.read import read_picture
    from conformance.trace.errors import BadTrace

    if as_json and out is None:
        refuse("--json: expected -o FILE with it, as what is printed is the picture", as_json)
    if out is not None:
        writable(out, files, as_json)
    try:
        with progress("reading", as_json):
            picture = read_picture(files)
    except BadTrace as error:
        refuse(str(error), as_json)
    for problem in picture.unread:
        warn(f"{problem} (all before is shown)")
    chosen = form or form_of(out)
    pieces = FORMS[chosen](picture)
    if out is None:
        sys.stdout.writelines(pieces)
    else:
        try:
            write_whole(out, pieces)
        except OSError as error:
            refuse(f"{out} was not written: {error.strerror or error}", as_json)
    if as_json:
        first = picture.first_wrong
        print_json(
            {
                "written": str(out),
                "form": chosen,
                "events": len(picture.moments),
                "messages": len(picture.sendings),
                "order": picture.order,
                "verdict": picture.verdict,
                "first": None
                if first is None
                else {"property": first.name, "event": first.place, "node": first.node},
            }
        )
    finish("conforms" if picture.moments else "inconclusive")
