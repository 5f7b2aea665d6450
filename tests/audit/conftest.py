"""Where the safety audit's tests begin."""

from __future__ import annotations

import pytest

from tests.audit.by_hand import short_story
from tests.support.tape import Tape


@pytest.fixture
def tape() -> Tape:
    return short_story()
