"""The JSON Schemas are those of the code, and say of the documents on the page what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import dnspolicy
from dnspolicy.policy import schema

DOCS = Path(dnspolicy.__file__).parent.parent / "docs"
REFERENCE = (DOCS / "policy-reference.md").read_text()
BLOCKS = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)]
INPUTS = [block for block in BLOCKS if "version" in block]
DECISIONS = [block for block in BLOCKS if "action" in block]
ALLOW = {"action": "allow", "rule": "x", "reason": "x"}


def validator(name: str) -> Any:
    return jsonschema.Draft202012Validator(json.loads((DOCS / "schema" / f"{name}.json").read_text()))


def test_the_files_are_what_the_code_writes(tmp_path: Path) -> None:
    schema.main(tmp_path)
    written, kept = ({f.name: f.read_text() for f in folder.iterdir()} for folder in (tmp_path, DOCS / "schema"))
    assert sorted(kept) == ["decision.json", "input.json"]
    assert kept == written, "renew them: python -m dnspolicy.policy.schema docs/schema"


@pytest.mark.parametrize("name", ["input", "decision"])
def test_a_file_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize(
    ("name", "document"),
    [*(("input", block) for block in INPUTS), *(("decision", block) for block in DECISIONS)],
    ids=[*("input" for _ in INPUTS), *(f"{block['action']}" for block in DECISIONS)],
)
def test_the_examples_of_the_reference_are_valid(name: str, document: Any) -> None:
    validator(name).validate(document)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"action": "allow", "rule": "x"}, id="no reason"),
        pytest.param({**ALLOW, "action": "deny"}, id="unknown action"),
        pytest.param({**ALLOW, "why": "x"}, id="unknown key"),
        pytest.param({**ALLOW, "as": "refused"}, id="key of another action"),
        pytest.param({**ALLOW, "ttl": 86401}, id="out of range"),
        pytest.param({**ALLOW, "rule": ""}, id="empty text"),
    ],
)
def test_what_the_server_refuses_is_no_valid_decision(wrong: Any) -> None:
    assert validator("decision").is_valid(ALLOW)
    assert not validator("decision").is_valid(wrong)


@pytest.mark.parametrize("part", ["Client", "Query", "Target", "Answer", "Endpoint"])
def test_the_reference_names_every_key_of_the_input(part: str) -> None:
    keys = set(validator("input").schema["$defs"][f"{part}Document"]["properties"])
    known = set(re.findall(r"`([a-z_]+)`", REFERENCE))
    assert sorted(keys - known) == []


def test_the_reference_names_every_key_of_a_decision() -> None:
    defs = validator("decision").schema["$defs"]
    keys = {key for name, part in defs.items() if name.endswith("Decision") for key in part["properties"]}
    assert keys >= {"action", "upstream", "shadow"}
    assert sorted(keys - set(re.findall(r"`([a-z_]+)`", REFERENCE))) == []
