"""Text that comes from outside, as it may be printed: names of files, above all."""

from __future__ import annotations

import rich.markup


def escape(text: str) -> str:
    """The same to read: nothing in it is markup, and nothing is an order to the terminal.

    Control characters, and those that turn the direction of what follows, are written as Python
    writes them; line breaks and tabs stay.
    """
    return rich.markup.escape(printable(text))


def printable(text: str) -> str:
    """The same for where nothing is markup."""
    return text if text.isprintable() else "".join([_shown(character) for character in text])


def _shown(character: str) -> str:
    return character if character.isprintable() or character in "\n\t" else repr(character)[1:-1]
