"""Values that are written out, and matches, do what they did."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.native import build
from conformance.native.write_out import fields_of, written_out

SOURCE = """
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

Chain: TypeAlias = "tuple[int, Chain[int]] | None"


class Place(NamedTuple):
    term: int
    index: int = 0

    @property
    def total(self) -> int:
        return self.term + self.index


FIRST: Final = Place(1)


@dataclass(frozen=True, slots=True)
class Reason:
    name: str
    why: str = field(default="", compare=False)


@dataclass(slots=True)
class Held:
    place: Place
    items: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def moved(reason: Reason, name: str) -> Reason:
    return replace(reason, name=name)


def told(value: object, limit: int = 3) -> object:
    match value:
        case Place(0):
            return "term 0"
        case Place(term, index=at) if term < limit:
            term = term + 1
            return "place", term, at
        case Held(Place(term=term) as place, items):
            return "held", term, place.index, items
        case Reason("no") | Nothing():
            return "nothing"
        case Reason(name, why=_):
            return name
    match value, limit:
        case 5, 3:
            return "three"
    match limit:
        case 3:
            return "three"
        case _:
            return "other"


def within(value: object) -> object:
    match value:
        case Held(place):
            match place:
                case Place(term, 2):
                    return term
    return None


def parts(place: Place) -> Iterator[int]:
    term, index = place
    yield from (term, index, place[1])
"""


def made(source: str) -> Any:
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, "made", "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The module as it is, and with its values written out."""
    source = written_out(SOURCE, {}, fields_of([SOURCE]), "tests.native.unset")
    assert "NamedTuple)" not in source
    assert "@dataclass" not in source
    assert source.count("match ") == 1  # that of a tuple
    assert "Chain[int]" not in source
    assert "FIRST: Final[Place] = Place(1)" in source
    return made(SOURCE), made(source)


def test_values(forms: tuple[Any, Any]) -> None:
    for form in forms:
        place = form.Place(2, 5)
        assert (place.term, place.index, place.total) == (2, 5, 7)
        assert form.Place(2) == form.Place(2, 0) == form.Place(term=2)
        assert place._replace(index=6) == form.Place(2, 6) != place
        assert list(place._asdict().items()) == [("term", 2), ("index", 5)]
        assert place == form.Place(2, 5)
        assert hash(place) == hash(form.Place(2, 5))
        assert form.Place(1, 9) < place < form.Place(2, 6) <= form.Place(2, 6)
        assert form.Place(3, 0) > place >= form.Place(2, 5)
        assert list(form.parts(place)) == [2, 5, 5]
        assert tuple(place[:2]) == (2, 5)
        assert form.Place._fields == ("term", "index")
        assert form.Place(1) == form.FIRST
        assert form.Reason("no", "a") == form.Reason("no", "b") != form.Reason("yes", "a")
        assert len({form.Reason("no", "a"), form.Reason("no", "b")}) == 1
        changed = form.moved(form.Reason("no", "a"), "yes")
        assert (changed.name, changed.why) == ("yes", "a")
        assert form.Nothing() == form.Nothing() != place
        one, other = form.Held(place), form.Held(place)
        one.items.append(1)
        assert (one.items, other.items) == ([1], [])


def test_matches(forms: tuple[Any, Any]) -> None:
    source, written = forms

    def values(form: Any) -> list[Any]:
        place, reason = form.Place, form.Reason
        held = form.Held(place(7, 8), [1])
        return [place(0, 1), place(2, 5), place(9), held, reason("no"), reason("x"), form.Nothing()]

    said = [source.told(value) for value in [*values(source), 5]]
    first, held = ("place", 3, 5), ("held", 7, 8, [1])
    assert said == ["term 0", first, "three", held, "nothing", "x", "nothing", "three"]
    assert [written.told(value) for value in [*values(written), 5]] == said
    assert written.told(5, 4) == source.told(5, 4) == "other"
    for form in (source, written):
        assert form.within(form.Held(form.Place(7, 2))) == 7
        assert form.within(form.Held(form.Place(7, 3))) is None


def test_what_cannot_be_written_out_is_refused() -> None:
    metadata = "@dataclass\nclass A:\n    a: int = field(metadata={})\n"
    with pytest.raises(ValueError, match="metadata"):
        written_out(metadata, {}, {}, "unset")
    with pytest.raises(ValueError, match="renamed"):
        written_out("import spec.log\n", {"spec.log": "native_spec.log"}, {}, "unset")
    with pytest.raises(ValueError, match="two classes A"):
        fields_of(["class A(NamedTuple):\n    a: int\n", "class A(NamedTuple):\n    b: int\n"])


def test_a_build_is_of_just_these_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of any of them is another build, so that a stale one is not imported."""
    before = build.stamp(build.AUDITS)
    sources = build.sources(build.AUDITS)
    assert {"spec/rules/leaders.py", "conformance/audit/safety/steps.py"} <= sources.keys()
    assert "spec/steps.py" not in sources
    del sources["spec/log.py"]
    monkeypatch.setattr(build, "sources", lambda what: sources)
    assert build.stamp(build.AUDITS) != before
