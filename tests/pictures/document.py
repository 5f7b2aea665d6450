"""The pictures of the documents, and the document of bugs: what `docs/` has of them.

    python -m tests.pictures.document

writes them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from conformance.show.model import Picture
from conformance.show.svg import MOST, drawing
from tests.pictures.bugs import REPORTED, TAKEN_BACK, first_drawn
from tests.pictures.diagrams import DIAGRAMS
from tests.pictures.wrong import Bug, run_of

DOCS: Final = Path(__file__).parents[2] / "docs"

HEAD: Final = """\
# Bugs in pictures

What goes wrong where one line of Raft is done otherwise. Each picture is of a run of these servers
with that one mistake. Numbers in brackets are those of its events; the first thing that an audit
finds wrong is red. [Looking at a run](show.md) tells what the signs mean: an arrow is a message, a
band a term, a thick line a leader; below are the logs, before and after.

`make docs` makes this page of [bugs.py](../tests/pictures/bugs.py), which has the commands that
lead to each run.

## Taken back: D1 to D9

[Decisions](decisions.md) in which this library departs from the Rust crate raftbare 0.2.2; here
the specification does as the crate does.
"""

MORE: Final = """\
## Reported of this library, or of others

Mistakes that this library had itself, or would have shared with others. Each is kept as
[a planted bug](mutants.md).
"""


def text_of_bugs() -> str:
    """The document: generated, so that its pictures and its sentences are of one run."""
    return "\n".join([HEAD, *map(_told, TAKEN_BACK), MORE, *map(_told, REPORTED)])


def _told(bug: Bug) -> str:
    title = (
        f"{bug.name}: {bug.title}" if bug in TAKEN_BACK else bug.title[0].upper() + bug.title[1:]
    )
    sentences = "\n".join([bug.done, bug.comes, bug.right])
    picture = f"![{bug.done}](pictures/{bug.name}.svg)"
    return f"### {title}\n\n{sentences}\n\n{picture}\n"


def drawn(bug: Bug) -> str:
    picture: Picture = run_of(bug)
    last = len(picture.moments)
    first = max(first_drawn(bug), last - MOST + 1)
    return "".join(drawing(picture, first, last, f"{bug.name}: {bug.title}"))


def files() -> Iterator[tuple[Path, str]]:
    """Everything that is generated, and what it has."""
    for name, diagram in DIAGRAMS.items():
        yield DOCS / "pictures" / f"{name}.svg", diagram()
    for bug in (*TAKEN_BACK, *REPORTED):
        yield DOCS / "pictures" / f"{bug.name}.svg", drawn(bug)
    yield DOCS / "bugs.md", text_of_bugs()


def write(found: Iterable[tuple[Path, str]]) -> None:
    for path, text in found:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(files())
