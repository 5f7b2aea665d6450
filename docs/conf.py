"""How sphinx builds the documentation: `make site`, or `sphinx-build -W -c docs . build/site`.

The sources are the repository itself, so that pages can link to the code that they speak of.
Chapters of scenarios list files of `tests/scenarios/`; what these tell is put in their place here.
"""

from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import raftbare
from tests.pictures import chapters

project = "raftbare"
author = "the raftbare maintainers"
project_copyright = "the raftbare maintainers, MIT licence"
release = version = raftbare.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "traces/FORMAT.md"]
exclude_patterns = ["build", "docs/conf.py"]
default_role = "code"

myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

html_theme = "furo"
html_title = f"raftbare {release}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["pictures.css"]


def tell(app: Sphinx, name: str, source: list[str]) -> None:
    """The scenarios that a chapter lists, each with its picture."""
    if name.startswith("docs/scenarios/"):
        for scenario in chapters.listed(source[0]):
            app.env.note_dependency(str(chapters.HERE / f"{scenario}.txt"))
        pictures = Path(app.srcdir) / "build" / "pictures"
        source[0] = chapters.expanded(source[0], pictures, "../../build/pictures")


def setup(app: Sphinx) -> None:
    app.connect("source-read", tell)
    app.add_lexer("mermaid", TextLexer)  # shown as it is written
