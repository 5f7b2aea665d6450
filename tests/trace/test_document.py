"""The documents are those of the models, and complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.trace import checkpoint, document, model, moments, vocabulary
from conformance.trace.examples import EXAMPLES
from tests.support.recordings import CRATE


@pytest.mark.parametrize("path", document.documents(), ids=lambda path: path.name)
def test_the_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == document.documents()[path]


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda model: model.__name__)
def test_an_example_is_what_it_shows(model: type[vocabulary.Model]) -> None:
    value = model.model_validate_json(EXAMPLES[model])
    assert value.model_dump_json(exclude_unset=True) == EXAMPLES[model]


def test_every_model_has_an_example_and_its_place_in_the_document() -> None:
    models = {
        value
        for module in (checkpoint, model, moments, vocabulary)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, vocabulary.Model) and name[0] != "_"
    } - {vocabulary.Model}
    assert models == set(EXAMPLES)
    text = document.format_md()
    missing = [one.__name__ for one in models if document.describe(one) not in text]
    assert not missing


def test_every_field_is_described() -> None:
    for shown in EXAMPLES:
        for name, field in shown.model_fields.items():
            assert field.description or name in ("kind", "type", "role"), (shown, name)


def test_a_stale_file_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(document, "TRACES", tmp_path)
    assert document.main(["--check"]) == 1
    assert "schema.json is stale" in capsys.readouterr().err
    assert document.main([]) == 0
    assert document.main(["--check"]) == 0
    assert document.main(["--what"]) == 2


def test_the_schema_says_what_the_models_say() -> None:
    definitions = document.schema()["$defs"]
    actions = definitions["Record"]["properties"]["actions"]
    assert actions["type"] == "array"
    assert "null" not in json.dumps(actions)
    assert definitions["Commands"]["properties"]["commands"]["maximum"] == vocabulary.MAX_COMMANDS
    assert "from" in definitions["AppendEntriesCall"]["properties"]


@pytest.mark.skipif(not CRATE.is_dir(), reason="the recorded traces are not part of the repository")
def test_the_schema_accepts_recorded_traces() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(document.schema())
    for path in sorted(CRATE.glob("crate-*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            validator.validate(json.loads(line))
