"""Programs that speak the subject protocol, compared in every transition of a node."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from conformance.explore.search.replayed import Replayed, needed
from conformance.explore.search.run import Options, Report, explore
from conformance.explore.states.bounds import PRESETS, Bounds
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.observe.finding import Difference, name_of
from conformance.subjects.foreign.process import DiedError
from conformance.subjects.library import LibrarySubject
from conformance.subjects.subject import SpecSubject, Subject
from tests.cli.helpers import run
from tests.subjects.foreign.local import Faults, local
from tests.subjects.foreign.test_foreign_commands import OURS, compiled

SMALL = Bounds(nodes=2, terms=1, in_flight=1, proposals=0, crashes=1, heartbeats=1)


def explored(fresh: Callable[[], Subject], faults: Faults | None = None) -> Report:
    host = local(fresh, faults=faults)
    return explore(
        Options(
            SMALL,
            library=None,
            comparison=lambda bounds: Replayed(host, bounds).difference,
            symmetry=False,
            workers=1,
            eventually=False,
        )
    )


def test_ours_conforms_in_as_many_states_and_transitions_as_the_library_does() -> None:
    by_past = explored(LibrarySubject)
    set_to_it = explore(Options(SMALL, symmetry=False, workers=1, eventually=False))
    assert by_past.verdict == set_to_it.verdict == "conforms"
    assert (by_past.layers, by_past.transitions) == (set_to_it.layers, set_to_it.transitions)


def test_a_bug_is_found() -> None:
    with IN_BOTH["reply-confirms-latest-call"].planted() as broken:
        found = explored(partial(LibrarySubject, broken)).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == "state"
    assert found.moves


def test_a_program_that_fails_is_found() -> None:
    found = explored(SpecSubject, {b'"restart"': DiedError("ended")}).found
    assert found is not None
    assert name_of(found.finding) == "Death"


def test_what_a_subject_has_to_have() -> None:
    assert needed(SMALL) >= {"timers", "limits", "restarts", "heartbeat"}
    assert "changes" not in needed(SMALL)
    assert {"changes", "non_voters"} <= needed(PRESETS["quick"]["membership"])


def test_the_command(tmp_path: Path) -> None:
    bounds = ("explore", "--nodes", 1, "--terms", 1, "--proposals", 0, "--out", tmp_path)
    ran = run(*bounds, "--subject", f"{OURS} raftbare")
    assert ran.code == 0, ran.out + ran.err
    broken = run(*bounds, "--subject", f"{OURS} spec --mutant lone-voter-leads-at-once")
    assert broken.code == 1, broken.out + broken.err
    assert "Reproduce: conformance explore --nodes 1 " in broken.out
    assert "--no-symmetry --subject " in broken.out
    poor = run(*bounds, "--subject", compiled(tmp_path))
    assert (poor.code, "it lacks limits, refusals" in poor.err) == (2, True)
    for other in (("--checkpoint", "here"), ("--workers", 2)):
        assert run(*bounds, "--subject", "cat", *other).code == 2
    assert run(*bounds, "--subject", "/no/such/program").code == 2
