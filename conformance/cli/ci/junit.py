"""JUnit XML: a test for each item.  A violation is a failure, bad input an error, and what could
not be judged was skipped.
"""

from __future__ import annotations

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from conformance.cli.ci.items import Item, Judged
from conformance.cli.text import printable


def junit(judged: Judged) -> str:
    """The document."""
    name = f"conformance {judged.command}"
    suite = TestSuite(name)
    for item in judged.items:
        suite.add_testcase(_case(item, name))
    document = JUnitXml(name)
    document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    if judged.seconds is not None:  # of all of them: what each took is not known
        suite.time = document.time = round(judged.seconds, 3)
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text.decode()}\n'


def _case(item: Item, suite: str) -> TestCase:
    case = TestCase(printable(item.name), suite)
    detail = printable(item.detail)
    if item.verdict != "conforms":
        kind = {"violation": Failure, "bad_input": Error, "inconclusive": Skipped}[item.verdict]
        result = kind(detail, printable(item.name))
        result.text = "\n".join([detail, *_where(item)])
        case.result = [result]
    return case


def _where(item: Item) -> list[str]:
    told = [] if item.node is None else [f"node {item.node}"]
    told += [] if item.seq is None else [f"seq {item.seq}"]
    told += [] if item.path is None else [f"file {printable(str(item.path))}"]
    return told
