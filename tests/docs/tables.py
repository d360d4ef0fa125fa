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
    """Return the table of every field of a trigger, those of the blocks inside it below."""
    from policy.caps import Cap
    from policy.channels import Several
    from policy.guards import Guards
    from policy.holding import HoldOut
    from policy.hours import QuietHours
    from policy.steps import Branch, Step
    from policy.triggers import Trigger

    inside = {"channel": Several, "steps": Step, "steps.branches": Branch}
    inside |= {"hold_out": HoldOut, "guards": Guards, "guards.cap": Cap, "guards.quiet_hours": QuietHours}
    rows = _fields(Trigger, without={"hold_out", "guards"})
    for block, model in inside.items():
        rows += _fields(model, within=f"{block}.")
    return _table(("field", "default", "meaning"), rows)


def conditions() -> str:
    """Return the table of every kind of condition and what it may say."""
    from policy.comparisons import Comparison
    from policy.conditions import Condition
    from policy.conditions_facts import Decile, EventTest, FeatureTest, IntentTest, ProfileTest
    from policy.conditions_history import Count, Last, NotSince
    from policy.conditions_response import ResponseTest
    from policy.conditions_send_hour import Confidence, SendHourTest
    from policy.conditions_sessions import HowLong, HowOften, SessionTest, Visits

    inside = {"event": EventTest, "count": Count, "not_since": NotSince, "last": Last}
    inside |= {"feature": FeatureTest, "intent": IntentTest, "profile": ProfileTest}
    inside |= {"visits": Visits, "session": SessionTest, "response": ResponseTest, "send_hour": SendHourTest}
    deeper = {"intent.decile": Decile, "send_hour.confidence": Confidence}
    deeper |= {"session.length": HowLong, "session.events": HowOften}
    compared = {*Comparison.model_fields}
    rows = [(f"`{name}`", "–", meaning) for name, _, meaning in _fields(Condition, plain=True) if name not in inside]
    for block, model in inside.items():
        shared = compared if issubclass(model, Comparison) else set()
        rows += [(f"`{block}`", "–", Condition.model_fields[block].description or "")]
        rows += _fields(model, within=f"{block}.", without=shared)
    for block, model in deeper.items():
        rows += _fields(model, within=f"{block}.")
    rows += [(f"… `{name}`", default, meaning) for name, default, meaning in _fields(Comparison, plain=True)]
    return _table(("field", "default", "meaning"), rows)


def segments() -> str:
    """Return the table of every field of a segment."""
    from policy.segments import Segment

    return _table(("field", "default", "meaning"), _fields(Segment))


def experiments() -> str:
    """Return the table of every field of an experiment."""
    from policy.experiments import Experiment

    return _table(("field", "default", "meaning"), _fields(Experiment))


def trigger_tests() -> str:
    """Return the table of what a test beside a trigger may say."""
    from policy.trigger_tests import Expectation, Happening, TriggerTest

    inside = {"given": Happening, "expect": Expectation}
    rows = _fields(TriggerTest)
    for block, model in inside.items():
        rows += _fields(model, within=f"{block}[].")
    return _table(("field", "default", "meaning"), rows)


def channels() -> str:
    """Return the table of every field of the file of channels, those of each type of endpoint below."""
    from serving.channels_fields import BLOCKS, BasicBlock, ChannelsBlock, MessageIdBlock, OAuthBlock, SecretHeader

    rows = _fields(ChannelsBlock)
    for model in BLOCKS.values():
        kind = model.model_fields["type"]
        rows.append(("`type`", "needed", kind.description or ""))
        rows += [(f"… {name}", default, meaning) for name, default, meaning in _fields(model, without={"type"})]
    inside = {"headers.…": SecretHeader, "basic": BasicBlock, "oauth": OAuthBlock, "message_id": MessageIdBlock}
    for block, within in inside.items():
        rows += _fields(within, within=f"{block}.")
    return _table(("field", "default", "meaning"), rows)


def _fields(
    model: Any, within: str = "", without: Iterable[str] = (), *, plain: bool = False
) -> list[tuple[str, str, str]]:
    mark = "" if plain else "`"
    return [
        (
            f"{mark}{within}{each.alias or name}{mark}",
            "needed" if each.is_required() else _default(each.default),
            each.description or "",
        )
        for name, each in model.model_fields.items()
        if name not in without
    ]


TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "settings": (ROOT / "docs/configuration.md", settings),
    "features": (ROOT / "docs/features.md", features),
    "reasons": (ROOT / "docs/reasons.md", reasons),
    "triggers": (ROOT / "docs/triggers.md", triggers),
    "conditions": (ROOT / "docs/triggers.md", conditions),
    "segments": (ROOT / "docs/segments.md", segments),
    "channels": (ROOT / "docs/channels.md", channels),
    "experiments": (ROOT / "docs/reports.md", experiments),
    "tests": (ROOT / "docs/triggers.md", trigger_tests),
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
