"""`conformance linearize`: exit codes, what it prints, and its page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from tests.cli.helpers import run
from tests.linearize.test_histories import GET, HEADER, OK, PUT, written

ANSWER = OK[:-1] + ',"value":1}'
WRONG = OK[:-1] + ',"value":7}'


def good(tmp_path: Path) -> Path:
    return written(tmp_path, HEADER, PUT, OK, GET, ANSWER)


def bad(tmp_path: Path) -> Path:
    return written(tmp_path, HEADER, PUT, OK, GET, WRONG)


def hard(tmp_path: Path) -> Path:
    """Ten writes at once, and a value that none of them wrote."""
    calls = [PUT.replace("0", str(one)).replace(":1}", f":{one}}}") for one in range(10)]
    ends = [OK.replace("0", str(one)) for one in range(10)]
    return written(tmp_path, HEADER, *calls, *ends, GET, WRONG.replace("7", "77"))


def test_what_conforms(tmp_path: Path) -> None:
    ran = run("linearize", good(tmp_path))
    assert ran.code == 0
    assert "2 operations, 0 of unknown outcome, 1 keys: conforms" in ran.out


def test_a_violation_is_told_with_its_operations(tmp_path: Path) -> None:
    ran = run("linearize", bad(tmp_path))
    assert ran.code == 1
    assert "not linearizable: key x" in ran.out
    assert "lines 4-5" in ran.out
    assert "get -> 7" in ran.out


def test_json(tmp_path: Path) -> None:
    ran = run("linearize", "--json", bad(tmp_path))
    assert ran.code == 1
    [file] = ran.json["files"]
    assert (ran.json["verdict"], file["verdict"], file["operations"]) == ("violation",) * 2 + (2,)
    [found] = file["violations"]
    assert (found["key"], found["breaks_at_line"], found["is_least"]) == ("x", 5, True)
    assert [one["operation"] for one in found["core"]] == ["get -> 7"]
    assert found["order_before"] == [2]


def test_a_spent_budget_is_inconclusive(tmp_path: Path) -> None:
    ran = run("linearize", "--budget", "50", hard(tmp_path))
    assert ran.code == 3
    assert "not judged: key x" in ran.out
    assert run("linearize", hard(tmp_path)).code == 1


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, PUT, "{")
    ran = run("linearize", path)
    assert ran.code == 2
    assert f"{path}:3: not JSON" in ran.out
    assert run("linearize", "--json", path).json["verdict"] == "bad_input"
    assert run("linearize").code == 2
    assert run("linearize", "--budget", "0", path).code == 2


def test_a_violation_beside_a_bad_file_stays_one(tmp_path: Path) -> None:
    ran = run("linearize", bad(tmp_path), tmp_path / "nothing")
    assert ran.code == 1
    assert "cannot be read" in ran.out


class Tags(HTMLParser):
    """What a page consists of, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "data", "onload")]


HOSTILE = "</script><img src=x onerror=alert(1)>\\u202e\\u0000&{{ 7*7 }}"


def test_the_page_is_whole_and_escapes_what_it_shows(tmp_path: Path) -> None:
    put = PUT.replace('"x"', f'"{HOSTILE}"').replace('"value":1', f'"value":"{HOSTILE}"')
    get = GET.replace('"x"', f'"{HOSTILE}"')
    page = tmp_path / "history.html"
    ran = run("linearize", "--out", tmp_path, written(tmp_path, HEADER, put, OK, get, WRONG))
    assert ran.code == 1
    assert f"The page: {page}" in ran.out
    assert "\x00" not in ran.out
    assert "\u202e" not in ran.out
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.names.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert tags.loads == []
    assert "&lt;img src=x" in text
    assert "{{ 7*7 }}" in text
    assert "\u202e" not in text
    assert "\x00" not in text
    assert {one.name for one in tmp_path.iterdir()} == {"history", page.name}


def test_the_page_marks_the_part_that_has_no_order(tmp_path: Path) -> None:
    ran = run("linearize", "--out", tmp_path / "out", bad(tmp_path), "--json")
    assert ran.code == 1
    text = Path(ran.json["page"]).read_text(encoding="utf-8")
    assert text.count('class="core"') == 1
    assert text.count('class="other"') == 1
    assert "line 5" in text


def test_the_page_says_what_should_have_been_answered_and_what_was_lost(tmp_path: Path) -> None:
    ran = run("linearize", "--out", tmp_path, "traces/histories/stale-read.jsonl", "--json")
    text = " ".join(Path(ran.json["page"]).read_text(encoding="utf-8").split())
    answers = re.findall("<dt>(.*?)</dt> <dd> ?(.*?) ?</dd>", text)
    said = {question: re.sub("<.*?>", "", answer) for question, answer in answers}
    assert said["What was answered wrongly"] == "get -&gt; 1, to process 2 (lines 9 to 10)"
    assert said["What should have been there"].startswith("2: that is what a single copy holds")
    assert said["What was lost to it"] == "put 2 of process 1, which had returned at line 6"
    assert "clients do not see which server" in said["Who decided wrongly"]


def test_there_is_a_page_of_findings_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("linearize", "--out", out, good(tmp_path), "--json").json["page"] is None
    assert run("linearize", "--out", out, "--no-page", bad(tmp_path)).code == 1
    assert not out.exists()


def test_a_page_that_cannot_be_written_hides_no_finding(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    ran = run("linearize", "--out", tmp_path / "out", bad(tmp_path))
    assert ran.code == 1
    assert "not linearizable" in ran.out
    assert "the page was not written" in ran.err
