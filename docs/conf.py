"""How sphinx builds the documentation: `make site`, or `sphinx-build -W -c docs . build/site`.

The sources are the repository itself, so that pages can link to the code that they speak of.
"""

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import raftbare

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


def setup(app: Sphinx) -> None:
    app.add_lexer("mermaid", TextLexer)  # shown as it is written
