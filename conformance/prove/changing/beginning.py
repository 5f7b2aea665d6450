"""That the lemmas hold in a new cluster whose membership will change, and once it is created.

Nobody has led a term then, so of configurations in the logs of leaders there is nothing to say.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.prove.any_size import beginning
from conformance.prove.changing.statements.lemmas import LEMMAS, may_be_chosen
from conformance.prove.changing.statements.views import Configured
from conformance.prove.statements.lemma import Int
from conformance.prove.statements.logic import Formula


class New(Configured, beginning.New):
    def lc(self, term: Int, i: Int) -> Int:
        return 0

    lj = lc

    def el(self, term: Int) -> Int:
        return 0

    kc = since = el

    def stayed_by_majority(self, *of: Any) -> Formula:
        return True

    def choosable(self, term: Int, i: Int) -> Formula:
        return may_be_chosen(self, term, i)  # type: ignore[arg-type]


class Created(New, beginning.Created):
    """Once a server has created it."""


BEGINS: Final = beginning.Begins(tuple(LEMMAS), New, Created)
