"""Tables of the documentation that follow from the code: `make docs` writes them, a test compares them."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

ROOT = Path(__file__).resolve().parents[2]


def settings() -> str:
    """Return the table of every setting."""
    from serving.settings import Settings

    rows = [
        (f"`OPPORTUNE_{name.upper()}`", _default(field.get_default(call_default_factory=True)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(("setting", "default", "meaning"), rows)


def features() -> str:
    """Return the table of every feature."""
    from features.catalog import CATALOGUE

    direction = {-1: "falls", 0: "", 1: "rises"}
    rows = [
        (f"`{name}`", meaning, direction[int(sign)])
        for name, meaning, sign in zip(CATALOGUE.names, CATALOGUE.meanings, CATALOGUE.directions, strict=True)
    ]
    return _table(("feature", "meaning", "intent, as it grows"), rows)


def reasons() -> str:
    """Return the table of every reason that a decision can have."""
    from policy.reasons import Reason

    return _table(("reason", "in words"), [(f"`{each}`", each.sentence) for each in Reason])


def triggers() -> str:
    """Return the table of every field of a trigger."""
    from policy.triggers import HoldOut, Trigger

    fields = [(name, each, each.default) for name, each in Trigger.model_fields.items() if name != "hold_out"]
    fields += [(f"hold_out.{name}", each, each.default) for name, each in HoldOut.model_fields.items()]
    rows = [
        (f"`{name}`", "needed" if each.is_required() else _default(default), each.description or "")
        for name, each, default in fields
    ]
    return _table(("field", "default", "meaning"), rows)


TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (ROOT / "docs/configuration.md", settings),
    "features": (ROOT / "docs/features.md", features),
    "reasons": (ROOT / "docs/reasons.md", reasons),
    "triggers": (ROOT / "docs/triggers.md", triggers),
}


def written(name: str) -> str:
    """Return the table as its page has it."""
    page, _ = TABLES[name]
    found = _place(name).search(page.read_text(encoding="utf-8"))
    assert found, f"{page} has no place for the table '{name}'"
    return found[2]


def write(name: str) -> None:
    """Put the table into its page."""
    page, table = TABLES[name]
    text = page.read_text(encoding="utf-8")
    replaced, times = _place(name).subn(lambda found: found[1] + table() + found[3], text)
    assert times == 1, f"{page} has no place for the table '{name}'"
    page.write_text(replaced, encoding="utf-8")


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- table: {name}, written by `make docs` -->\n\n)(.*?)(\n<!-- end -->)", re.DOTALL)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _default(value: Any) -> str:
    if value is None or value == {} or value == () or isinstance(value, SecretStr):
        return "–"
    if isinstance(value, tuple):
        return f"`{','.join(str(each) for each in value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    for each in TABLES:
        write(each)
