"""Messages put into words: their templates filled in once, when they are first claimed, and recalled for each retry."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from models.neighbours import Neighbours
from policy.policy import Policy
from policy.sandbox import Compiled, Unfillable
from policy.template_syntax import TemplateRefused
from policy.templates import LONGEST, LONGEST_JSON, missing, part, parts_of
from serving.claims import Claim
from serving.context import Asking, context
from serving.driver import driver
from serving.links import tracked, unsubscribe_url
from serving.people import People, Person
from serving.recipients import REACHED, address_of
from serving.rendered import Rendered, Unrenderable
from serving.tokens import Tokens

_ONE_LINE: Final = frozenset({"subject", "preheader"})
_ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_RECALL: Final = "SELECT message_id, content FROM renderings WHERE message_id IN (SELECT value FROM json_each(?))"
_KEEP: Final = "INSERT INTO renderings (message_id, content, at) VALUES (?, ?, ?) ON CONFLICT (message_id) DO NOTHING"
_WHOSE: Final = """
SELECT o.message_id, u.user_key FROM json_each(?) m
JOIN outbox o ON o.message_id = m.value JOIN users u ON u.user_no = o.user_no
"""
_decode = msgspec.json.Decoder(Rendered).decode


class Links(NamedTuple):
    """What links of messages are made with: who seals them, and the address that they begin with."""

    tokens: Tokens
    base: str


class Rendering:
    """Puts messages into words, by the templates of the policy of that moment."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        links: Links | None = None,
        neighbours: Callable[[], Neighbours | None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            policy: Returns the one in service.
            links: Without them nobody can unsubscribe through this server, and clicks tell nothing.
            neighbours: Returns what recommendations are made by; asked only where a template looks at them.
        """
        self._policy = policy
        self._links = links
        self._neighbours = neighbours

    def rendered(self, connection: Connection, claims: Sequence[Claim]) -> dict[str, Rendered | Unrenderable]:
        """Return each message in words, or why it has none, by message id; what was said once is said again.

        Args:
            connection: Of the transaction that claims them.
            claims: Which.
        """
        asked = json.dumps([each.message_id for each in claims])
        direct = driver(connection)
        found: dict[str, Rendered | Unrenderable] = {
            message_id: _decode(content) for message_id, content in direct.execute(_RECALL, (asked,)).fetchall()
        }
        new = [each for each in claims if each.message_id not in found]
        whose: dict[str, str] = dict(direct.execute(_WHOSE, (asked,)).fetchall()) if new else {}
        people = People(connection)
        people.find(whose.values())
        for each in new:
            person = people.get(whose.get(each.message_id, ""))
            found[each.message_id] = said = self.render(connection, each.message_id, json.loads(each.body), person)
            if isinstance(said, Rendered):
                text = json.dumps(asdict(said), ensure_ascii=False)
                direct.execute(_KEEP, (each.message_id, text, each.enqueued_at))
        return found

    def render(
        self,
        connection: Connection,
        message_id: str,
        body: Mapping[str, Any],
        person: Person | None,
        *,
        needs_address: bool = True,
    ) -> Rendered | Unrenderable:
        """Return one message in words, from the body that a webhook's receiver would get; nothing is written."""
        data = body.get("data", {})
        content, channel = data.get("content"), data.get("channel")
        if person is None or not isinstance(content, Mapping):
            return Unrenderable("no_content", "the policy says nothing of it" if person else "it is nobody's")
        policy = self._policy()
        named = content.get("template")
        parts = parts_of(content, policy.templates)
        lacks = missing(parts, channel)
        if lacks:
            hint = f"; there is no template {named}" if named and named not in policy.templates else ""
            return Unrenderable("no_content", f"its content has no {lacks[0]}{hint}")
        to = address_of(connection, person.no, channel)
        if to is None and channel in REACHED and needs_address:
            return Unrenderable("no_address", f"no address for {channel} is known")
        url = self._unsubscribe_url(policy, message_id, data, person)
        asking = Asking(message_id, data, person, url, self._neighbours)
        try:
            filled = _filled(connection, asking, parts, content.get("json"), named)
        except _Fault as fault:
            return Unrenderable("template", str(fault))
        return self._linked(Rendered(to, **filled), message_id, channel, url)

    def _unsubscribe_url(self, policy: Policy, message_id: str, data: Mapping[str, Any], person: Person) -> str | None:
        if self._links is None:
            return None
        trigger = policy.by_name.get(str(data.get("trigger")))
        purpose = "marketing" if trigger is None else trigger.guards.purpose
        tokens, base = self._links
        return unsubscribe_url(base, tokens.unsubscribe(person.key, data["channel"], purpose, message_id))

    def _linked(self, said: Rendered, message_id: str, channel: str, url: str | None) -> Rendered:
        """Return an e-mail with what mail programs unsubscribe by, and whose links tell of clicks."""
        if self._links is None or url is None or channel != "email":
            return said
        tokens, base = self._links
        html = None if said.html is None else tracked(said.html, tokens, message_id, base=base)
        headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": _ONE_CLICK}
        return replace(said, html=html, headers=headers)


class _Fault(Exception):
    """A template cannot be filled in; where, and why."""


def _filled(
    connection: Connection, asking: Asking, parts: Mapping[str, str], json_part: Any, named: object
) -> dict[str, Any]:
    """Return the filled in parts of a message, by field (_Fault)."""
    templates = {field: _compiled(field, text, named) for field, text in parts.items()}
    within = list(_texts(json_part))
    names = frozenset().union(
        *(each.names for each in templates.values()), *(_compiled("json", each, named).names for each in within)
    )
    known = context(connection, asking, names)
    filled = {field: _fill(field, each, known, named) for field, each in templates.items()}
    return {**filled, "json": _fill_within(json_part, known, named)}


def _compiled(field: str, text: str, named: object) -> Compiled:
    try:
        return part(field, text)
    except TemplateRefused as refused:
        raise _Fault(_place(field, refused.line, refused.says, named)) from refused


def _fill(field: str, template: Compiled, known: Mapping[str, Any], named: object) -> str:
    try:
        text = template.fill(known, longest=LONGEST.get(field, LONGEST_JSON))
    except Unfillable as error:
        raise _Fault(_place(field, error.line, error.says, named)) from error
    return " ".join(text.split()) if field in _ONE_LINE else text


def _fill_within(value: Any, known: Mapping[str, Any], named: object) -> Any:
    if isinstance(value, str):
        return _fill("json", _compiled("json", value, named), known, named)
    if isinstance(value, Mapping):
        return {name: _fill_within(each, known, named) for name, each in value.items()}
    return [_fill_within(each, known, named) for each in value] if isinstance(value, list) else value


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]


def _place(field: str, line: int, says: str, named: object) -> str:
    template = f"template {named}, " if isinstance(named, str) else ""
    return f"{template}{field}, line {line}: {says}"
