"""What is known of sums of unknowns, each by itself: between which bounds they lie.

Most of what a run asks follows from what it asked before about the same sum: whether an index lies
beyond an entry, after it was found equal to another one's.  That takes no solver.
"""

from __future__ import annotations

from conformance.symbolic.number import Atom, Terms

Range = tuple[int | None, int | None]
"""The lowest and the highest value; None: not known."""

ANY: Range = (None, None)


class Ranges:
    """`follows` is sound and not complete: None says nothing."""

    __slots__ = ("_of",)

    def __init__(self, of: dict[Terms, Range]) -> None:
        self._of = of

    def copy(self) -> Ranges:
        return Ranges(dict(self._of))

    def follows(self, atom: Atom) -> bool | None:
        """Whether an atom holds, where the range of its sum decides that."""
        terms, bound, equal = atom
        known = self._of.get(terms)
        if known is None:
            return None
        low, high = known
        if equal:
            if (low is not None and bound < low) or (high is not None and bound > high):
                return False
            return True if low == bound == high else None
        if high is not None and high <= bound:
            return True
        return False if low is not None and low > bound else None

    def note(self, atom: Atom, value: bool) -> None:
        """An atom holds, or does not."""
        terms, bound, equal = atom
        low, high = self._of.get(terms, ANY)
        if not equal:
            if value:
                high = bound if high is None else min(high, bound)
            else:
                low = bound + 1 if low is None else max(low, bound + 1)
        elif value:
            low = high = bound
        elif low == bound:
            low = bound + 1
        elif high == bound:
            high = bound - 1
        self._of[terms] = low, high
