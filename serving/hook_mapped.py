"""Webhooks of anybody else, such as a shop: taken apart as the configuration says, proven by an HMAC over the body."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from features.events import BadEvent
from features.moments import read_moment
from features.values import text
from serving.errors import SignatureRefused
from serving.hooks import Received, is_same, read_object
from serving.json_paths import found_at
from serving.lessons import address
from serving.reports import Report, stable_id

if TYPE_CHECKING:
    from serving.hook_file import EventRule, Products, Source

_PING: Final = re.compile(rb"webhook_id=\d{1,20}")
"""What WooCommerce sends, unsigned, when a webhook is saved; it tells nothing."""


class _Told(NamedTuple):
    """What a request tells, and the rule for its topic; None where there is none."""

    rule: EventRule | None
    body: Mapping[str, Any]


class Mapped:
    """A source of webhooks, with its secret and the rules for each of its topics."""

    def __init__(self, name: str, source: Source, secret: str) -> None:
        """Take the rules and the secret."""
        self.name = name
        self._source = source
        self._secret = secret.encode()

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return the one event of a request that is signed; nothing where its topic is none of ours."""
        header = self._source.signature.lower()
        presented = received.headers.get(header)
        if presented is None and _PING.fullmatch(received.body):
            return []
        if not is_same(presented or "", self._signature(received.body)):
            raise SignatureRefused(field=self._source.signature)
        return [("", _Told(self._rule(received), read_object(received.body)))]

    def report(self, item: object, received: Received) -> Report | None:
        """Return what the event says."""
        if not isinstance(item, _Told):
            raise TypeError(f"{item!r} was not told by a source")
        rule, body = item
        if rule is None or not _is_wanted(rule, body):
            return None
        at = _first(body, rule.at)
        content = [_first(body, (each,)) for each in rule.id] or body
        properties = {ours: _at(body, path) for ours, path in rule.properties.items()}
        if rule.products is not None:
            properties["products"] = _products(body, rule.products)
        return Report(
            source=self.name,
            what=rule.event,
            call=rule.call,
            message_id=stable_id(self.name, rule.event, content),
            at=received.at if at is None else read_moment(at, rule.at[0]),
            address=_address(body, rule.email),
            ids=(_id(body, rule.user_id), _id(body, rule.anonymous_id)),
            makes_people=True,
            properties=properties,
            traits={ours: found for ours, path in rule.traits.items() if (found := _at(body, path)) is not None},
        )

    def _signature(self, body: bytes) -> str:
        found = hmac.digest(self._secret, body, "sha256")
        signed = base64.b64encode(found).decode() if self._source.encoding == "base64" else found.hex()
        return self._source.prefix + signed

    def _rule(self, received: Received) -> EventRule | None:
        header = self._source.topic
        topic = "*" if header is None else received.headers.get(header.lower(), "")
        return self._source.events.get(topic)


def _is_wanted(rule: EventRule, body: Mapping[str, Any]) -> bool:
    return all(_at(body, path) in values for path, values in rule.only.items())


def _products(body: Mapping[str, Any], products: Products) -> list[dict[str, Any]]:
    found = _at(body, products.each)
    if not isinstance(found, list | None):
        raise BadEvent(products.each, "must be a list of products", "not_a_list")
    lines = []
    for i, line in enumerate(found or []):
        if not isinstance(line, dict):
            raise BadEvent(f"{products.each}[{i}]", "must be an object", "not_an_object")
        said = {ours: _at(line, path) for ours, path in products.fields.items()}
        lines.append({ours: value for ours, value in said.items() if value is not None})
    return lines


def _at(body: Any, path: str) -> Any:
    """Return what is at a path such as `customer.id`; None where nothing is."""
    return found_at(body, path.split("."))


def _first(body: Mapping[str, Any], paths: Sequence[str]) -> Any:
    """Return what is at the first of the paths where there is something; shops write 0 for nobody."""
    return next((found for path in paths if (found := _at(body, path)) not in (None, "", 0)), None)


def _id(body: Mapping[str, Any], paths: Sequence[str]) -> str | None:
    return text(_first(body, paths), paths[0]) if paths else None


def _address(body: Mapping[str, Any], paths: Sequence[str]) -> str | None:
    found = _first(body, paths)
    return address(found) if isinstance(found, str) else None
