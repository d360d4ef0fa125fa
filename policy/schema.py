"""The JSON Schema of a policy file, from which editors complete and check it: `python -m policy.schema` writes it."""

import json
from pathlib import Path
from typing import Any, Final

from policy.policy import Policy

SCHEMA: Final = Path(__file__).parents[1] / "docs/triggers.schema.json"
_CLOCK: Final = r"^([01]?\d|2[0-3]):[0-5]\d$"


def schema() -> str:
    """Return the schema as it is published."""
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Policy.model_json_schema(by_alias=True, mode="validation"),
        "title": "Opportune's triggers",
    }
    return json.dumps(_simplified(content), indent=2, ensure_ascii=False) + "\n"


def _simplified(node: Any) -> Any:
    """Leave out that a field may be null, which nobody writes, and titles that only repeat its name."""
    if isinstance(node, list):
        return [_simplified(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "time":
        return {"type": "string", "pattern": _CLOCK, **_without(node, "type", "format")}
    kept = {name: _simplified(each) for name, each in node.items() if not _says_nothing(name, each)}
    choices = kept.get("anyOf")
    if isinstance(choices, list):
        others = [each for each in choices if each != {"type": "null"}]
        kept = kept | {"anyOf": others} if len(others) > 1 else {**others[0], **_without(kept, "anyOf")}
    return kept


def _says_nothing(name: str, value: object) -> bool:
    if name in {"title", "ge", "gt", "le"}:
        return not isinstance(value, dict)
    return name == "default" and (value is None or isinstance(value, dict))


def _without(node: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in node.items() if name not in names}


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
