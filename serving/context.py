"""What templates may look at: a message, its person, and what the log knows of both, as plain data."""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Connection

from features.catalog import CATALOGUE
from features.events import ids_behind
from features.moments import DAY_US
from models.neighbours import Neighbours
from policy.view import Seen
from serving import baskets, profiles
from serving.driver import driver
from serving.people import Person
from serving.recommended import recommendations
from serving.views import PersonView

LOOK_BACK_US: Final = 90 * DAY_US
"""How long before their last event a person's cart and viewed products are looked for."""
MOST_ITEMS: Final = 200
"""Of any list that templates see."""
_EVER: Final = 1 << 62
_FEATURES: Final = """
SELECT e.features, e.catalogue FROM decisions d JOIN evaluations e ON e.decision_id = d.decision_id
WHERE d.trigger_decision_id = ?
"""
_SAID: Final = (
    "channel",
    "code",
    "code_expires_at",
    "decision_id",
    "event",
    "horizon",
    "score",
    "step",
    "threshold",
    "trigger",
)

_OF_EVENTS: Final = frozenset({"cart", "recommendations", "viewed"})


class Asking(NamedTuple):
    """A message whose templates look at something.

    Attributes:
        message_id: Its id.
        data: What its body says.
        person: Whose it is.
        unsubscribe_url: Where the person unsubscribes; None where there are no links.
        neighbours: What recommendations are made by; None where nothing was learned yet.
    """

    message_id: str
    data: Mapping[str, Any]
    person: Person
    unsubscribe_url: str | None
    neighbours: Callable[[], Neighbours | None] = lambda: None


def context(connection: Connection, asking: Asking, names: frozenset[str]) -> dict[str, Any]:
    """Return what templates that look at `names` are filled in with; nothing else is read. Null is left out."""
    data, person = asking.data, asking.person
    found: dict[str, Any] = {name: data.get(name) for name in _SAID}
    found |= {"message_id": asking.message_id, "unsubscribe_url": asking.unsubscribe_url, "user": _ids(data, person)}
    found["content"] = data.get("content") or {}
    if "profile" in names:
        found["profile"] = _profile(connection, person)
    if "features" in names:
        found["features"] = _features(connection, data.get("decision_id"))
    if names & _OF_EVENTS:
        found |= _of_events(connection, asking, names)
    plain: dict[str, Any] = _without_nulls(found)
    return plain


def _ids(data: Mapping[str, Any], person: Person) -> dict[str, Any]:
    # Whoever was anonymous when it was decided may have said since who they are.
    known, _ = ids_behind(person.key)
    return {"id": known or data.get("user_id"), "anonymous_id": data.get("anonymous_id")}


def _profile(connection: Connection, person: Person) -> dict[str, Any]:
    return {**profiles.known(profiles.read(driver(connection), person.no)), "timezone": person.timezone}


def _features(connection: Connection, decision_id: object) -> dict[str, float]:
    """Return the features that a decision was made with, by name; without those that had no answer."""
    row = driver(connection).execute(_FEATURES, (decision_id,)).fetchone()
    if row is None or row[0] is None or row[1] != CATALOGUE.fingerprint:
        return {}
    numbers = np.frombuffer(row[0], "<f8").tolist()
    return {name: number for name, number in zip(CATALOGUE.names, numbers, strict=True) if not isnan(number)}


def _of_events(connection: Connection, asking: Asking, names: frozenset[str]) -> dict[str, Any]:
    """Return what follows from what the person did, as far as it is asked for."""
    events, direct = _events(connection, asking.person), driver(connection)
    found: dict[str, Any] = {}
    if "cart" in names:
        found["cart"] = baskets.cart(direct, events)
    if "viewed" in names:
        found["viewed"] = baskets.viewed(direct, events)
    if "recommendations" in names:
        found["recommendations"] = recommendations(direct, asking.neighbours(), events)
    return found


def _events(connection: Connection, person: Person) -> list[Seen]:
    view = PersonView(connection, person, np.empty(0), {}, at=_EVER, timezone=person.timezone)
    return list(view.everything(person.last_known_at - LOOK_BACK_US))


def _without_nulls(value: Any) -> Any:
    """Return a value without its nulls, which templates shall not know from what is not there; lists up to a length."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value[:MOST_ITEMS]] if isinstance(value, list) else value
