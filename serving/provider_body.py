"""What a provider's HTTP interface is asked: a body and headers whose texts are templates over a message."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from policy.sandbox import Compiled, Unfillable, compiled
from policy.template_syntax import TemplateRefused
from serving.json_paths import found_at
from serving.mime import page
from serving.rendered import Rendered

NAMES: Final = (
    "to",
    "subject",
    "preheader",
    "text",
    "html",
    "sms",
    "push",
    "headers",
    "json",
    "message_id",
    "decision_id",
    "user_id",
    "anonymous_id",
    "trigger",
    "step",
    "channel",
)
"""What a template may use: the message in words, and whose and which it is."""

Fill = Callable[[Mapping[str, Any]], Any]
_VALUE: Final = re.compile(r"\s*\{\{\s*([a-z_]+(?:\.\w+|\['[^'\\]+'\])*)\s*\}\}\s*")
_STEP: Final = re.compile(r"\['([^']+)'\]|\.?(\w+)")
_KNOWN: Final = frozenset(NAMES)
_LONGEST: Final = 500_000
"""Characters of one text: an e-mail of any size that a mail program shows whole."""


class BodyRefused(ValueError):
    """A template of an endpoint cannot be used; `field` says which, within what was given."""

    def __init__(self, reason: str, field: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class NotFilledIn(ValueError):
    """A template of an endpoint could not be filled in for this message."""


@dataclass(frozen=True, slots=True)
class Body:
    """JSON to be filled in: a template in each text; what comes out as nothing (null) is left out."""

    fill: Fill = field(repr=False)


@dataclass(frozen=True, slots=True)
class Header:
    """The value of a header: a template, or a secret that is none."""

    fill: Fill = field(repr=False)


def body(written: Any) -> Body:
    """Return a body that is written so (BodyRefused: a template in it cannot be used)."""
    return Body(_filled(written))


def header(written: str) -> Header:
    """Return a header that is a template (BodyRefused: it cannot be used)."""
    fill = _template(written)
    return Header(lambda said: _one_line(fill(said)))


def secret_header(value: str) -> Header:
    """Return a header that is always the same."""
    return Header(lambda _: value)


def said(rendered: Rendered, data: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Return what templates see of a message; `data` is that of its webhook body."""
    own = {name: data.get(name) for name in NAMES}
    words = {name: getattr(rendered, name) for name in Rendered.__dataclass_fields__}
    return {**own, **words, "html": page(rendered), "headers": dict(rendered.headers), "message_id": message_id}


def as_json(filled: Any) -> bytes:
    """Return a filled in body as JSON (ValueError: it holds what JSON has no word for)."""
    # Half a surrogate pair is no reason to lose the message.
    return json.dumps(filled, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def as_form(filled: Mapping[str, Any]) -> bytes:
    """Return a filled in body as an HTML form: a list is a field several times, a block of fields is JSON in one."""
    pairs = [
        (name, _in_form(each))
        for name, value in filled.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return urlencode(pairs, errors="replace").encode()


def _in_form(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value).decode()


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())


def _filled(written: Any, field: tuple[str | int, ...] = ()) -> Fill:
    if isinstance(written, str):
        return _template(written, field)
    if isinstance(written, dict):
        parts = {str(key): _filled(value, (*field, str(key))) for key, value in written.items()}
        return lambda said: _whole({key: fill(said) for key, fill in parts.items()})
    if isinstance(written, list):
        items = [_filled(each, (*field, position)) for position, each in enumerate(written)]
        return lambda said: [each for each in (fill(said) for fill in items) if each is not None]
    return lambda _: written


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}


def _template(text: str, field: tuple[str | int, ...] = ()) -> Fill:
    """Return what fills in one text; a single `{{ name }}` becomes the value itself, which need not be a text."""
    try:
        template = compiled(text, html=False, known=_KNOWN)
    except TemplateRefused as refused:
        raise BodyRefused(f"is no template: {refused.says}", field) from None
    alone = _VALUE.fullmatch(text)
    if alone is not None:
        path = [quoted or plain for quoted, plain in _STEP.findall(alone[1])]
        return lambda said: found_at(said, path)
    return lambda said: _text(template, said)


def _text(template: Compiled, said: Mapping[str, Any]) -> str:
    try:
        return template.fill(said, longest=_LONGEST)
    except Unfillable as error:
        raise NotFilledIn(f"a template of the endpoint cannot be filled in: {error.says}") from error
