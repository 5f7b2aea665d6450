"""Where the documents go: whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance.cli.terminal import refuse

if TYPE_CHECKING:
    from conformance.cli.ci.items import Judged


class Formats(NamedTuple):
    """The files that are asked for."""

    junit: Path | None = None
    sarif: Path | None = None

    def expect(self, as_json: bool) -> None:
        """Refuse what could not be written, before anything is judged."""
        if self.junit is not None:
            import junitparser  # noqa: F401 (the command line says what installs it)
        for name, path in (("--junit", self.junit), ("--sarif", self.sarif)):
            if path is None:
                continue
            if not path.resolve().parent.is_dir():
                refuse(f"{name} {path}: its directory does not exist", as_json)
            if path.exists() and not path.is_file():
                refuse(f"{name} {path}: it is no regular file", as_json)

    def write(self, judged: Judged, as_json: bool) -> None:
        """Both, whatever the verdict."""
        from conformance.observe.write import write_whole

        for name, path in (("--junit", self.junit), ("--sarif", self.sarif)):
            if path is not None:
                try:
                    write_whole(path, [_text(name, judged)])
                except OSError as error:
                    refuse(f"{name} {path} was not written: {error}", as_json)


def _text(name: str, judged: Judged) -> str:
    if name == "--junit":
        from conformance.cli.ci.junit import junit

        return junit(judged)
    from conformance.cli.ci.sarif import sarif

    return sarif(judged)
