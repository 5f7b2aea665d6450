"""SARIF 2.1.0 (OASIS): a result for each violation, a notification for what was not judged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import raftbare
from conformance.cli.ci.items import Item, Judged
from conformance.cli.text import printable
from conformance.observe.verdicts import EXIT_CODES

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

Object = dict[str, Any]


def sarif(judged: Judged) -> str:
    """The document."""
    violations = [item for item in judged.items if item.verdict == "violation"]
    rules = sorted({item.name for item in violations})
    run: Object = {
        "tool": {
            "driver": {
                "name": f"conformance {judged.command}",
                "version": raftbare.__version__,
                "rules": [{"id": printable(name), "name": printable(name)} for name in rules],
            }
        },
        "invocations": [_invocation(judged)],
        "results": [_result(item, rules.index(item.name)) for item in violations],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2) + "\n"


def _invocation(judged: Judged) -> Object:
    """Whether it came to its end: what it found is no failure of its own."""
    left = [item for item in judged.items if item.verdict in ("bad_input", "inconclusive")]
    return {
        "executionSuccessful": judged.verdict in ("conforms", "violation"),
        "exitCode": EXIT_CODES[judged.verdict],
        "toolExecutionNotifications": [
            {
                "level": "error" if item.verdict == "bad_input" else "warning",
                "message": _message(item),
                "locations": _locations(item),
            }
            for item in left
        ],
    }


def _result(item: Item, rule: int) -> Object:
    place = None if item.path is None else item.path.as_posix()
    same = json.dumps([item.name, item.node, item.seq, place]).encode()
    return {
        "ruleId": printable(item.name),
        "ruleIndex": rule,
        "level": "error",
        "message": _message(item),
        "locations": _locations(item),
        # What a service takes for the same finding the next time.
        "partialFingerprints": {"record/v1": hashlib.sha256(same).hexdigest()},
        "properties": {"node": item.node, "seq": item.seq},
    }


def _message(item: Item) -> Object:
    text = printable(item.detail) or printable(item.name)
    if item.node is not None:
        text = f"node {item.node}{'' if item.seq is None else f', seq {item.seq}'}: {text}"
    return {"text": text}


def _locations(item: Item) -> list[Object]:
    """The file; the record in it is told by node and number, for files may be compressed."""
    if item.path is None:
        return []
    return [{"physicalLocation": {"artifactLocation": {"uri": _uri(item.path)}}}]


def _uri(path: Path) -> str:
    """Relative to where the command ran, if it was named so."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="replace")
