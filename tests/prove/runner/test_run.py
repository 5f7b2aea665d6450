"""Proving many obligations: each has a result, whatever becomes of the others."""

from __future__ import annotations

import os
from multiprocessing.context import SpawnProcess
from pathlib import Path
from time import monotonic

import pytest

from conformance.observe.selection import SelectionError, selected
from conformance.prove import catalogue
from conformance.prove.runner import run as run_module
from conformance.prove.runner.obligation import Obligation, Result, Subjects
from conformance.prove.runner.run import Interrupted, Options, Progress, Report, run
from conformance.prove.runner.worker import Source, name_of
from conformance.subjects.patched import in_rules, patched_rule
from conformance.workers.processes import PATIENCE, TRIES
from tests.prove.runner import sample

LOWERS = patched_rule(
    in_rules(
        "current_term=node.current_term + 1,",
        "current_term=node.current_term - 1,",
    )
)
"""An election in the term before."""


def results(report: Report) -> dict[str, str]:
    return {one.obligation.name: one.result.result for one in report.proved}


def test_rules_are_proved_in_other_processes() -> None:
    report = run(Options(workers=2), sample.on_rules)
    assert results(report) == {
        "rules/timeout/follower": "proved",
        "rules/proposal/leader": "proved",
    }
    assert (report.verdict, report.stopped_by) == ("conforms", None)
    for one in report.proved:
        assert one.result.paths == one.result.live > 0
        assert one.result.queries > 0
        assert one.result.seconds > 0
    assert report.totals()["obligations"] == report.totals()["proved"] == 2


def test_the_level_says_which() -> None:
    assert len(run(Options(level="full", workers=1), sample.on_rules).proved) == 3


def test_another_rule_is_proved_in_this_process() -> None:
    report = run(Options(subjects=Subjects(rule=LOWERS)), sample.on_rules)
    assert results(report) == {
        "rules/timeout/follower": "refuted",
        "rules/proposal/leader": "proved",
    }
    assert report.verdict == "violation"
    ((one, found),) = report.found
    assert one.obligation.name == "rules/timeout/follower"
    before, after = found.turn.before.node, found.turn.after.node
    assert after.current_term == before.current_term - 1


@pytest.mark.parametrize("workers", [1, 2, 20])
def test_results_are_in_the_order_of_the_obligations(workers: int) -> None:
    report = run(Options(workers=workers), sample.of_all_kinds)
    assert list(results(report).items()) == [
        ("kinds/fine/one", "proved"),
        ("kinds/raises", "unknown"),
        ("kinds/dies", "unknown"),
        ("kinds/witness", "witnessed"),
        ("kinds/prints", "proved"),
        ("kinds/gives up", "unknown"),
        ("kinds/refuted/[1, 2]", "refuted"),
        ("kinds/cannot be sent", "refuted"),
        ("kinds/fine/two", "proved"),
    ]
    details = {one.obligation.name: one.result.detail for one in report.proved}
    assert details["kinds/raises"].startswith("ZeroDivisionError: one by none (sample.py:")
    assert details["kinds/dies"] == "a worker died (signal 9)"
    assert details["kinds/gives up"] == "too hard"
    assert "cannot be sent" in details["kinds/cannot be sent"]
    ((one, found),) = report.found
    assert one.obligation.name == "kinds/refuted/[1, 2]"
    assert found == sample.counterexample()
    assert report.verdict == "violation"


def test_what_is_printed_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    run(Options(only="kinds/prints"), sample.of_all_kinds)
    told = capfd.readouterr()
    assert (told.out, told.err.strip()) == ("", "not an answer")


def test_a_worker_proves_one_after_another() -> None:
    report = run(Options(workers=1), sample.in_processes)
    (process,) = {one.result.detail for one in report.proved}
    assert process != str(os.getpid())
    here = run(Options(subjects=Subjects()), sample.in_processes)
    assert {one.result.detail for one in here.proved} == {str(os.getpid())}


def test_workers_that_only_die_are_not_replaced_for_ever() -> None:
    report = run(Options(workers=1), sample.deadly)
    why = "the workers died, one after another"
    assert (report.verdict, report.stopped_by) == ("inconclusive", why)
    details = [one.result.detail for one in report.proved]
    died = details.count("a worker died (signal 9)")
    assert died in (PATIENCE // TRIES - 1, PATIENCE // TRIES)  # the last is told, or ends it all
    assert set(details[:died]) == {"a worker died (signal 9)"}
    assert set(details[died:]) == {f"not ended before {why}"}


def test_at_the_end_of_the_budget_what_is_not_proved_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = [0.0]
    monkeypatch.setattr(run_module, "monotonic", lambda: monotonic() + later[0])

    def spend(told: Progress) -> None:
        """Once something is proved, however long that took."""
        later[0] = 3000.0 * told.done

    report = run(Options(workers=2, seconds=3000.0), sample.endless, spend)
    assert list(results(report).values()) == ["proved", "unknown", "unknown", "unknown"]
    assert report.verdict == "inconclusive"
    assert report.proved[-1].result.detail == "not ended before the budget of 3000 s was spent"
    here = run(Options(subjects=Subjects(), seconds=0.0), sample.on_rules)
    assert set(results(here).values()) == {"unknown"}


def test_an_interrupt_ends_it_with_what_there_is() -> None:
    """And with it all workers."""
    begun: set[int | None] = set()

    def watched(process: SpawnProcess) -> None:
        start(process)
        begun.add(process.pid)

    def interrupt(now: Progress) -> None:
        if now.done == 1:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as stopped:
        start = SpawnProcess.start
        patch.setattr(SpawnProcess, "start", watched)
        run(Options(workers=2), sample.endless, interrupt)
    report = stopped.value.report
    assert (report.verdict, report.stopped_by) == ("inconclusive", "an interrupt")
    assert list(results(report).values()) == ["proved", "unknown", "unknown", "unknown"]
    assert len(begun) == 2
    for pid in begun:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_progress() -> None:
    seen: list[Progress] = []
    run(Options(workers=1), sample.of_all_kinds, seen.append)
    assert {now.planned for now in seen} == {9}
    assert [now.done for now in seen] == sorted(now.done for now in seen)
    assert seen[-1].done == 9
    assert "kinds/dies" in {name for now in seen for name in now.current}


def test_a_group_that_is_true_of_nothing_is_vacuous() -> None:
    report = run(Options(workers=1), sample.vacuous)
    assert set(results(report).values()) == {"proved"}
    assert report.vacuous == ["some/dead"]
    assert report.verdict == "inconclusive"


def test_nothing_is_no_proof() -> None:
    report = run(Options(), lambda_free_nothing)
    assert (report.proved, report.verdict) == ([], "inconclusive")


def lambda_free_nothing(_: object) -> list[Obligation]:
    return []


# What there is to prove


def test_workers_know_the_catalogue() -> None:
    report = run(Options(only="equivalence/start", workers=1), catalogue.obligations)
    assert (report.verdict, len(report.proved)) == ("conforms", 1)


# Selection


def names(only: str | None, source: Source = sample.of_all_kinds) -> list[str]:
    return [one.name for one in selected(source("quick"), only)]


def test_part_of_a_name_selects_and_so_does_a_pattern() -> None:
    assert len(names(None)) == 9
    assert names("fine") == ["kinds/fine/one", "kinds/fine/two"]
    assert names("kinds/*/two") == ["kinds/fine/two"]
    assert names("kinds/[rd]*") == ["kinds/raises", "kinds/dies", "kinds/refuted/[1, 2]"]
    assert names("kinds/refuted/[1, 2]") == ["kinds/refuted/[1, 2]"]
    assert names("some/dead", sample.vacuous) == ["some/dead"]
    with pytest.raises(SelectionError, match=r"--only none: expected .* kinds/fine/\.\.\., kinds/"):
        run(Options(only="none"), sample.of_all_kinds)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two obligations are named one/name"):
        run(Options(), sample.twice)


def test_a_source_has_a_name_that_workers_can_import() -> None:
    assert name_of(sample.on_rules) == "tests.prove.runner.sample:on_rules"
    with pytest.raises(ValueError, match="could import by its name"):
        name_of(lambda _: [])


def test_an_obligation_that_a_worker_does_not_know(tmp_path: Path) -> None:
    """What this process has under a name, and workers have not, is not proved."""

    def more(level: object) -> list[Obligation]:
        own = Obligation("own", {}, lambda _: Result("proved", 1, 1))
        return [*original("quick"), own]

    original = sample.on_rules
    with pytest.MonkeyPatch.context() as patch:
        more.__module__, more.__qualname__ = original.__module__, original.__qualname__
        patch.setattr(sample, "on_rules", more)
        report = run(Options(workers=1), more)
    assert results(report)["own"] == "unknown"
    assert report.proved[-1].result.detail == "a worker does not know it"
