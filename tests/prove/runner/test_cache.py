"""What was proved is not proved again, and a proof of other sources is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType

import pytest

from conformance.prove.runner import cache as cache_module
from conformance.prove.runner import run as run_module
from conformance.prove.runner import sources as sources_module
from conformance.prove.runner.cache import Cache
from conformance.prove.runner.calls import Calls
from conformance.prove.runner.obligation import Obligation, Result, Subjects
from conformance.prove.runner.run import Options, Report, run
from conformance.prove.runner.sources import CHECKOUT, PROVED, Sources, read
from conformance.prove.runner.worker import prove
from spec import rules
from spec import values as v
from tests.prove.runner import sample
from tests.support.recordings import STORIES

ROOT = sample.__name__

STEP, RECEIVE = "spec.rules.servers:step", "spec.rules.servers:receive"


@pytest.fixture(scope="module")
def unedited() -> Sources:
    return read(ROOT)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all that is read."""
    for part in (*PROVED, "conformance", "tests/prove"):
        shutil.copytree(
            CHECKOUT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def edit(checkout: Path, file: str, old: str, new: str) -> Sources:
    """The sources with some text replaced that occurs just once."""
    path = checkout / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return read(ROOT, checkout)


# Which functions a proof calls


def test_the_functions_that_a_proof_calls(unedited: Sources) -> None:
    calls = Calls(unedited.functions)
    with calls.noted() as called:
        result = prove(sample.VOTE, Subjects())
    assert result.result == "proved"
    assert {
        STEP,
        RECEIVE,
        "spec.rules.request_vote:receive_request_vote_call",
        "spec.pending:merge_sends",
        "spec.cluster:take",
        "spec.log:Log.last_position",  # a property
    } <= called
    assert not {"spec.rules.servers:election_timeout", "spec.rules.leaders:become_leader"} & called
    assert not {unit for unit in called - calls.always if unit.startswith("raftbare")}


def test_each_proof_is_told_its_own(unedited: Sources) -> None:
    """Also of functions that ran before it."""
    calls = Calls(unedited.functions)
    noted = []
    for obligation in (sample.VOTE, sample.TIMEOUT, sample.VOTE, sample.TIMEOUT):
        with calls.noted() as called:
            prove(obligation, Subjects())
        noted.append(called)
    assert noted[0] == noted[2] != noted[1] == noted[3]


def a_history() -> list[v.Event]:
    voters = frozenset({0, 1, 2})
    first: list[v.Event] = [
        v.CreateCluster(voters),
        v.ElectionTimeout(),
        v.ProposeCommand(),
        v.Heartbeat(),
    ]
    return [v.Start(), *first, *[event for story in STORIES.values() for event in story]]


def act() -> None:
    """Run some of the specification."""
    node = rules.start(1).node
    for event in a_history():
        node = rules.step(node, event).node
    assert node.config != v.Config(frozenset())


def test_it_is_what_a_profiler_sees(unedited: Sources) -> None:
    calls = Calls(unedited.functions)
    profiled: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            name = frame.f_code.co_qualname.split(".<locals>")[0]
            profiled.add(f"{frame.f_globals['__name__']}:{name}")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    with calls.noted() as called:
        act()
    assert called == (profiled & set(unedited.functions)) | calls.always
    assert len(called) > 30


def test_functions_are_as_they_were_afterwards(unedited: Sources) -> None:
    def codes() -> list[CodeType]:
        return [function.__code__ for _, function in calls._functions]

    calls = Calls(unedited.functions)
    before = codes()
    with pytest.raises(ZeroDivisionError), calls.noted():
        act()
        assert codes() != before
        raise ZeroDivisionError
    assert all(one is other for one, other in zip(codes(), before, strict=True))


def test_what_cannot_be_asked_counts_as_called(unedited: Sources) -> None:
    calls = Calls(unedited.functions)
    with calls.noted() as called:
        pass
    assert called == calls.always
    assert len(calls.always) < 10


def test_every_function_of_both_packages_has_a_hash(unedited: Sources) -> None:
    """Of those defined in modules and classes; what is defined within functions is part of them."""
    for module, text in unedited.texts.items():
        if module.split(".")[0] not in PROVED:
            continue
        units = [unit for unit in unedited.functions if unit.startswith(f"{module}:")]
        functions = re.findall(r"^def (\w+)", text, re.MULTILINE)
        assert set(functions) == {
            unit.split(":")[1] for unit in units if "." not in unit[len(module) :]
        }
        methods = re.findall(r"^    def (\w+)\((?:self|cls)", text, re.MULTILINE)
        assert set(methods) <= {unit.split(".")[-1] for unit in units}


def test_the_functions_of_a_package_itself_are_its_functions(copy: Path) -> None:
    with (copy / "raftbare" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef extra() -> int:\n    return 1\n")
    assert "raftbare:extra" in read(ROOT, copy).functions


def test_what_runs_on_import_is_part_of_what_every_proof_rests_on(unedited: Sources) -> None:
    """Nobody can be told of it: it has run when proofs begin."""
    modules = sorted(name for name in unedited.texts if name.split(".")[0] in PROVED)
    program = (
        "import sys, importlib, dataclasses, typing, enum, functools, itertools, collections\n"
        "seen = set()\n"
        "def note(frame, event, _):\n"
        "    if event == 'call':\n"
        "        name = frame.f_code.co_qualname.split('.<locals>')[0]\n"
        "        seen.add(frame.f_globals.get('__name__', '') + ':' + name)\n"
        "sys.setprofile(note)\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        "sys.setprofile(None)\n"
        "print(*sorted(seen), sep='\\n')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    seen = set(ran.stdout.splitlines()) & set(unedited.functions)
    assert seen
    assert seen <= unedited.unasked


# What a change re-proves


def obligations_proved(checkout: Path, sources: Sources) -> tuple[Cache, list[Obligation]]:
    """All obligations of the sample, proved, in a cache."""
    cache = Cache(checkout / "cache.json", sources)
    calls = Calls(sources.functions)
    obligations = sample.on_rules("full")
    for obligation in obligations:
        with calls.noted() as called:
            result = prove(obligation, Subjects())
        assert result.result == "proved"
        cache.put("full", obligation, result, called)
    cache.save()
    return cache, obligations


def still_proved(checkout: Path, sources: Sources, obligations: list[Obligation]) -> list[str]:
    cache = Cache(checkout / "cache.json", sources)
    return [one.name for one in obligations if cache.get("full", one) is not None]


TIMEOUT, PROPOSAL, VOTE = (one.name for one in sample.on_rules("full"))
ALL = [TIMEOUT, PROPOSAL, VOTE]
START = "def start(node_id"
LEADERS, STARTS, VOTES, SERVERS = (
    f"spec/rules/{name}.py" for name in ("leaders", "start", "request_vote", "servers")
)
AFTER = "    def after(self"
FUTURE = "from __future__ import annotations"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        # Comments, docstrings, lines.
        (LEADERS, "# Commitment\n", "# What is committed\n\n\n\n"),
        ("spec/rules/servers.py", "This is the only rule that clears", "Nothing else clears"),
        ("spec/log.py", "EMPTY_LOG: Final = Log()\n", 'EMPTY_LOG: Final = Log()\n"""None."""\n'),
        ("raftbare/rules.py", "  # by term first (D1)", ""),
        ("conformance/prove/runner/obligation.py", "it holds for all numbers.", "it holds."),
        # What no proof of these rests on.
        ("conformance/cli/app.py", "import typer\n", "import typer\nimport os\n"),
        ("conformance/cli/report/prove.py", "SHOWN = 5", "SHOWN = 6"),
        ("raftbare/rules.py", "call.last_position < self._log.last_position", "call.last_position"),
        (STARTS, START, f"def unused() -> int:\n    return 1\n\n\n{START}"),
    ],
)
def test_what_makes_no_difference_re_proves_nothing(
    file: str, old: str, new: str, copy: Path
) -> None:
    _, obligations = obligations_proved(copy, read(ROOT, copy))
    after = edit(copy, file, old, new)
    assert still_proved(copy, after, obligations) == ALL


@pytest.mark.parametrize(
    ("file", "old", "new", "left"),
    [
        # A handler, or what it calls.
        (SERVERS, "if not may_campaign(", "if may_campaign(", [PROPOSAL, VOTE]),
        (LEADERS, "append_as_leader(node, v.COMMAND)", "node", [TIMEOUT, VOTE]),
        (VOTES, "if call.last_position < node", "if node", [TIMEOUT, PROPOSAL]),
        ("spec/pending.py", "if earlier and tells", "if tells", [TIMEOUT, PROPOSAL]),
        # What all of them call.
        ("spec/rules/servers.py", "return election_timeout(node)", "return start(0)", []),
        ("spec/cluster.py", "taken = rule(member.node, event)", "taken = rule(None, event)", []),
        # What belongs to no function.
        ("spec/values.py", "current_term: Term = 0", "current_term: Term = 1", []),
        ("spec/log.py", AFTER, f"    def __bool__(self):\n        return False\n\n{AFTER}", []),
        (LEADERS, "from spec import values as v", "from spec import pending as v", []),
        # What takes the place of something else, or does something as it is defined.
        (STARTS, START, f"def max(*_):\n    return 1\n\n\n{START}", []),
        (STARTS, START, f"def refused(*_):\n    return 1\n\n\n{START}", []),
        (STARTS, START, f"def Effect():\n    return 1\n\n\n{START}", []),
        (STARTS, START, f"@print\n{START}", []),
        # What the proofs are written in.
        ("conformance/symbolic/number.py", "difference <= bound", "difference < bound", []),
        ("conformance/prove/step/counterexample.py", FUTURE, f"{FUTURE}\n\nX = 1", []),
        ("tests/prove/runner/sample.py", "Paths(limit=100)", "Paths(limit=101)", []),
    ],
)
def test_a_change_re_proves_what_rests_on_it(
    file: str, old: str, new: str, left: list[str], copy: Path
) -> None:
    before = read(ROOT, copy)
    _, obligations = obligations_proved(copy, before)
    assert still_proved(copy, before, obligations) == ALL
    text = (copy / file).read_text(encoding="utf-8")
    after = edit(copy, file, old, new)
    assert still_proved(copy, after, obligations) == left
    # And is as it was once the change is taken back.
    (copy / file).write_text(text, encoding="utf-8")
    assert still_proved(copy, read(ROOT, copy), obligations) == ALL


def test_other_versions_re_prove_everything(
    tmp_path: Path, unedited: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, obligations = obligations_proved(tmp_path, unedited)
    for module, version in ((sources_module, lambda _: "1.2.3"), (sys, "3.99")):
        with monkeypatch.context() as patch:
            patch.setattr(module, "version", version)
            assert still_proved(tmp_path, read(ROOT), obligations) == []
    assert still_proved(tmp_path, read(ROOT), obligations) == ALL


def test_a_cache_that_looks_at_no_function_would_keep_what_is_stale(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is the functions that the tests above are about."""
    monkeypatch.setattr(Sources, "digest", lambda self, called: self.rest)
    _, obligations = obligations_proved(copy, read(ROOT, copy))
    after = edit(copy, SERVERS, "if not may_campaign(node):", "if may_campaign(node):")
    assert still_proved(copy, after, obligations) == ALL


# What is kept


def test_only_what_was_shown_is_kept(tmp_path: Path, unedited: Sources) -> None:
    cache = Cache(tmp_path / "cache.json", unedited)
    for result in (Result("refuted", 1, 1), Result("unknown"), Result("witnessed", 1, 1)):
        result.seconds = 2.5
        one = Obligation(f"one/{result.result}", {}, sample.gives(result))
        cache.put("quick", one, result, ())
        assert (cache.get("quick", one) is not None) == (result.result == "witnessed")
        assert cache.seconds("quick", one) == 2.5


def test_a_result_is_that_of_its_level_name_and_bounds(tmp_path: Path, unedited: Sources) -> None:
    cache = Cache(tmp_path / "cache.json", unedited)
    one = Obligation("a/b", {"log": 3}, sample.raises)
    cache.put("quick", one, Result("proved", 4, 3, 2, 1.5, "well"), (STEP,))
    assert cache.get("quick", one) == Result("proved", 4, 3, 2, 1.5, "well")
    assert cache.get("full", one) is None
    assert cache.get("quick", Obligation("a/b", {"log": 4}, sample.raises)) is None
    assert cache.get("quick", Obligation("a/c", {"log": 3}, sample.raises)) is None


def test_what_called_a_function_that_is_gone_is_not_proved(
    tmp_path: Path, unedited: Sources
) -> None:
    cache = Cache(tmp_path / "cache.json", unedited)
    one = Obligation("a/b", {}, sample.raises)
    cache.put("quick", one, Result("proved"), ("spec.rules.servers:gone",))
    assert cache.get("quick", one) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"format":2', '"format":1'),
        lambda text: text.replace('"proved"', '"proven"'),
        lambda text: text.replace('"called":0', '"called":7'),
        lambda text: text.replace('"sum":"', '"sum":"0'),
        lambda text: text.replace('"paths":', '"ways":'),
    ],
)
def test_a_broken_file_is_ignored_with_a_warning(
    damage: Callable[[str], str], tmp_path: Path, unedited: Sources
) -> None:
    cache, obligations = obligations_proved(tmp_path, unedited)
    text = cache.path.read_text()
    assert damage(text) != text
    cache.path.write_text(damage(text))
    warnings: list[str] = []
    again = Cache(cache.path, unedited, warnings.append)
    assert [again.get("full", one) for one in obligations] == [None] * 3
    (warning,) = warnings
    assert "cache.json: ignored, it cannot be read: " in warning
    again.save()
    assert Cache(cache.path, unedited, warnings.append).get("full", obligations[0]) is None
    assert len(warnings) == 1


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path: Path, unedited: Sources) -> None:
    (tmp_path / "file").write_text("")
    warnings: list[str] = []
    cache = Cache(tmp_path / "file" / "cache.json", unedited, warnings.append)
    cache.save()
    assert any("not written" in warning for warning in warnings)


def test_the_file_is_written_as_a_whole(
    tmp_path: Path, unedited: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, _ = obligations_proved(tmp_path, unedited)
    before = cache.path.read_bytes()

    def fails(*_: object) -> None:
        raise OSError("no space")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fails)
        cache.save()
    assert cache.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["cache.json"]


# In a run


def proved_again(report: Report) -> list[str]:
    return [one.obligation.name for one in report.proved if not one.cached]


def test_a_second_run_proves_nothing(tmp_path: Path) -> None:
    options = Options(level="full", workers=2, cache=tmp_path / "cache" / "results.json")
    first = run(options, sample.on_rules)
    assert (proved_again(first), first.verdict, first.warnings) == (ALL, "conforms", [])
    second = run(options, sample.on_rules)
    assert (proved_again(second), second.verdict, second.totals()["cached"]) == ([], "conforms", 3)
    assert [one.result for one in second.proved] == [one.result for one in first.proved]
    without = run(Options(level="full", workers=2), sample.on_rules)
    assert proved_again(without) == ALL
    other = run(Options(level="full", subjects=Subjects(), cache=options.cache), sample.on_rules)
    assert proved_again(other) == ALL


def test_a_run_after_an_edit_proves_what_rests_on_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the copy were the checkout; workers still prove what is in the checkout itself."""
    options = Options(level="full", workers=1, cache=copy / "cache.json")
    monkeypatch.setattr(run_module, "read", partial(read, checkout=copy))
    assert proved_again(run(options, sample.on_rules)) == ALL
    edit(copy, SERVERS, "if not may_campaign(node):", "if may_campaign(node):")
    assert proved_again(run(options, sample.on_rules)) == [TIMEOUT]
    assert proved_again(run(options, sample.on_rules)) == []


def test_what_is_edited_while_it_runs_is_not_kept(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(workers=1, cache=copy / "cache.json")
    monkeypatch.setattr(run_module, "read", partial(read, checkout=copy))

    def meddle(_: object) -> None:
        with (copy / "spec" / "cluster.py").open("a") as file:
            file.write("# more")

    report = run(options, sample.on_rules, meddle)
    assert report.verdict == "conforms"
    assert report.warnings == ["the sources were edited meanwhile, so no result is kept"]
    assert not (copy / "cache.json").exists()


def test_refutations_and_what_is_unknown_are_tried_again(tmp_path: Path) -> None:
    options = Options(workers=2, cache=tmp_path / "results.json")
    run(options, sample.of_all_kinds)
    again = proved_again(run(options, sample.of_all_kinds))
    assert again == [
        "kinds/raises",
        "kinds/dies",
        "kinds/gives up",
        "kinds/refuted/[1, 2]",
        "kinds/cannot be sent",
    ]


def test_what_took_long_begins_first(tmp_path: Path, unedited: Sources) -> None:
    """And what was never proved before begins before that."""
    path = tmp_path / "results.json"
    cache = Cache(path, unedited)
    for obligation, seconds in zip(sample.in_processes("quick")[:3], (1.0, 3.0, 2.0), strict=True):
        result = Result("unknown", seconds=seconds)
        cache.put("quick", obligation, result, ())
    cache.save()
    begun: list[str] = []

    def note(now: run_module.Progress) -> None:
        begun.extend(name for name in now.current if name not in begun)

    run(Options(workers=1, cache=path), sample.in_processes, note)
    named = [f"processes/{n}" for n in (3, 1, 2, 0)]
    assert [name for name in named if name in begun] == begun
    assert len(begun) > 1


def test_only_a_whole_run_forgets_what_is_gone(tmp_path: Path, unedited: Sources) -> None:
    path = tmp_path / "results.json"
    gone = Obligation("rules/gone", {}, sample.raises)
    cache = Cache(path, unedited)
    for level in ("quick", "full"):
        cache.put(level, gone, Result(seconds=9.0), ())
    cache.save()
    run(Options(only="timeout", cache=path), sample.on_rules)
    assert Cache(path, unedited).seconds("quick", gone) == 9.0
    run(Options(cache=path), sample.on_rules)
    assert Cache(path, unedited).seconds("quick", gone) is None
    assert Cache(path, unedited).seconds("full", gone) == 9.0


def test_results_that_called_the_same_share_the_list(tmp_path: Path, unedited: Sources) -> None:
    cache = Cache(tmp_path / "results.json", unedited)
    for obligation in sample.in_processes("quick"):
        cache.put("quick", obligation, Result(), (STEP, RECEIVE))
    cache.save()
    said = json.loads(cache.path.read_text())
    assert said["called"] == [[RECEIVE, STEP]]
    assert len(said["results"]) == 4
    assert cache_module.FILE.is_relative_to(CHECKOUT)
