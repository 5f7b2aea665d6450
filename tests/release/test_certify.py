"""The certificate: of which sources it speaks, what it claims, and when it is stale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import raftbare
from conformance.observe.verdicts import Level
from conformance.release import certificate as making
from conformance.release import claims
from conformance.release.claims import CLAIMS, FailedError, Tell, audits, lockstep
from raftbare import Claim, certificate, certified
from tests.cli.helpers import run

ONE = Claim("one", "all is well", {"seed": 0}, {"events": 3}, 1.0, "conforms")


def one(level: Level, tell: Tell) -> Claim:
    return ONE


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, and a certificate of it that was made just now."""
    assert raftbare.__file__ is not None
    package = tmp_path / "raftbare"
    shutil.copytree(Path(raftbare.__file__).parent, package)
    monkeypatch.setattr(claims, "CLAIMS", {"quick": (one,)})
    making.write(making.make("quick"), package / certified.FILE)
    monkeypatch.setattr(certified, "__file__", str(package / "certified.py"))
    return package


def test_the_sources_of_this_checkout_are_the_certified_ones() -> None:
    """If this fails, `conformance certify` has to be run on what was edited."""
    assert making.stale() == ()
    assert certificate().is_current


@pytest.mark.parametrize(
    "change",
    [{"format": 99}, {"version": None}, {"level": None}, {"claims": [{}]}, {"sources": 7}],
    ids=str,
)
def test_a_certificate_that_cannot_be_read(elsewhere: Path, change: dict[str, object]) -> None:
    path = elsewhere / certified.FILE
    told = json.loads(path.read_text(encoding="utf-8")) | change
    path.write_text(json.dumps({k: v for k, v in told.items() if v is not None}), encoding="utf-8")
    with pytest.raises(making.NoCertificateError, match="can be read"):
        making.stale(path), making.said()


def test_the_certificate_claims_what_every_method_found() -> None:
    said = certificate()
    assert said.version == raftbare.__version__
    assert [claim.name for claim in said.claims] == [
        "audits",
        "lockstep",
        "exploration",
        "proofs",
        *(["mutants"] if said.level == "full" else []),
    ]
    assert len(said.claims) == len(CLAIMS["full" if said.level == "full" else "quick"])
    assert {claim.result for claim in said.claims} == {"conforms"}
    assert all(claim.counts and min(claim.counts.values()) >= 0 for claim in said.claims)
    assert {path.split("/")[0] for path in said.sources} == {"raftbare", "spec"}
    assert said.not_covered
    assert "z3-solver" in said.tools


def test_its_counts_are_those_that_the_checks_arrive_at() -> None:
    claimed = {claim.name: claim for claim in certificate().claims}
    found = audits("quick", lambda _: None)
    assert found.counts == claimed["audits"].counts


def test_an_edited_file_is_named(elsewhere: Path) -> None:
    assert certificate().changed == ()
    edited = elsewhere / "rules.py"
    edited.write_text(edited.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (elsewhere / "added.py").write_text("", encoding="utf-8")
    (elsewhere / "quorum.py").unlink()
    said = certificate()
    assert not said.is_current
    assert said.changed == ("raftbare/added.py", "raftbare/quorum.py", "raftbare/rules.py")


def test_without_a_certificate_there_is_none(elsewhere: Path) -> None:
    (elsewhere / certified.FILE).unlink()
    with pytest.raises(FileNotFoundError):
        certificate()
    with pytest.raises(making.NoCertificateError, match="conformance certify makes one"):
        making.stale(elsewhere / certified.FILE)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sources": 3}', "no json"])
def test_what_is_no_certificate_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(making.NoCertificateError, match="no certificate can be read there"):
        making.stale(path)


@pytest.mark.parametrize(("verdict", "code"), [("violation", 1), ("inconclusive", 3)])
def test_what_does_not_conform_is_not_certified(
    verdict: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(level: Level, tell: Tell) -> Claim:
        raise FailedError(f"lockstep: {verdict}; conformance check tells more", verdict)

    before = making.PATH.read_bytes()
    monkeypatch.setattr(claims, "CLAIMS", {"quick": (one, broken)})
    result = run("certify", "--json")
    assert (result.code, result.json["verdict"]) == (code, verdict)
    assert making.PATH.read_bytes() == before


def test_nor_is_what_was_edited_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([{"raftbare/a.py": "1"}, {"raftbare/a.py": "2"}])
    monkeypatch.setattr(claims, "CLAIMS", {"quick": (one,)})
    monkeypatch.setattr(making, "sources", lambda: next(states))
    with pytest.raises(making.EditedError):
        making.make("quick")


def test_a_violation_is_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.mutants.planted.catalogue import by_name
    from conformance.simulation.check import Options, live

    with by_name("earlier-term-commit").planted() as broken:
        monkeypatch.setattr(
            claims,
            "Options",
            lambda seed, events, fast: Options(seed, 5_000, shrink_seconds=0, run=live(broken)),
        )
        with pytest.raises(FailedError, match="lockstep: violation"):
            lockstep("quick", lambda _: None)


def test_the_command_says_whether_it_is_stale(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = run("certify", "--check")
    assert current.code == 0
    assert "current" in current.out
    monkeypatch.setattr(making, "stale", lambda: ("raftbare/rules.py",))
    stale = run("certify", "--check")
    assert stale.code == 1
    assert "raftbare/rules.py" in stale.out


def test_a_hash_that_was_edited_is_told_as_an_edited_file(elsewhere: Path) -> None:
    """Of each file; what else it says is not signed (docs/certificate.md)."""
    path = elsewhere / certified.FILE
    told = json.loads(path.read_text(encoding="utf-8"))
    for name, digest in told["sources"].items():
        other = digest[:-1] + ("1" if digest[-1] == "0" else "0")
        edited = told | {"sources": told["sources"] | {name: other}}
        path.write_text(json.dumps(edited), encoding="utf-8")
        assert making.stale(path) == (name,)
