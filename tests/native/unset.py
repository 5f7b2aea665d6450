"""What modules that are written out take from beside them, for those that a test makes."""

from typing import Final, final


@final
class Unset:
    pass


UNSET: Final = Unset()
