"""The published schema: current, and naming what the file may say."""

import json
from pathlib import Path

from policy.conditions import FIELDS
from policy.schema import SCHEMA, schema
from policy.triggers import Trigger

ROOT = Path(__file__).parents[2]


def test_the_published_schema_says_what_the_code_says():
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `make docs`"


def test_the_shipped_file_names_its_schema_for_editors():
    first = (ROOT / "triggers.yaml").read_text(encoding="utf-8").splitlines()[0]

    assert first == "# yaml-language-server: $schema=docs/triggers.schema.json"
    assert (ROOT / first.partition("=")[2]) == SCHEMA


def test_an_editor_knows_every_field_with_its_meaning():
    definitions = json.loads(schema())["$defs"]

    trigger = definitions["Trigger"]["properties"]
    assert set(trigger) == {each.alias or name for name, each in Trigger.model_fields.items()}
    assert all(each["description"] for each in trigger.values())
    assert tuple(definitions["Condition"]["properties"]) == FIELDS
    assert "cart_value" in definitions["FeatureTest"]["properties"]["name"]["enum"]
    assert {name for name, each in definitions.items() if each.get("additionalProperties")} == {"Happening"}


def test_what_people_write_as_text_is_text_to_an_editor():
    trigger = json.loads(schema())["$defs"]["Trigger"]["properties"]

    assert {each.get("type") for each in trigger["threshold"]["anyOf"]} == {"number", "string", None}
    assert {each.get("type") for each in trigger["on"]["anyOf"]} == {"array", "string"}
    assert '"null"' not in schema()
