"""Write a file of JSON."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.observe.write import write_whole


def write_json(path: Path, value: object) -> None:
    """In one step: a reader finds what was there before, or all of this, whoever else writes."""
    write_whole(path, [json.dumps(value, indent=2), "\n"])
