"""The mapping: how other people's event names, fields, currencies and agents become ours."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import translate
from typing import Any, NoReturn

from features.field_names import (
    CACHED,
    PROPERTIES_BY_FOLD,
    TOP_LEVEL,
    TOP_LEVEL_BY_FOLD,
    EventNames,
    FieldNames,
    Renames,
)
from features.file_layout import FileLayout
from features.kinds import ALIASES, NAMES, Kind, fold_name
from features.mapping_checks import BadMapping, number_over_zero, section, text, texts

_SECTIONS = ("events", "fields", "currency", "exclude", "machine", "context", "file")


class EventMapping:
    """One or more mapping files, laid over each other and checked; immutable by convention.

    Attributes:
        fields: Our name of a message's own field, by the key that was sent; the key where we have none.
        own: The keys that are our names of a message's own fields.
        properties: The same for a field inside properties or a product.
        renames: The same for all fields of such an object at once; None where they bear our names.
        names: The kind of an event's name as it was sent, and the name without surrounding space.
        shop_currency: Three letters; all amounts are converted to it.
        file: How to read a file of history.
    """

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        """Compile `layers` (the contents of mapping files), the later winning.

        Raises:
            BadMapping: A section, key or value is not understood; it names the place.
        """
        sections = _merged(layers)
        self._kinds = dict(ALIASES) | _kinds(sections["events"])
        self.names: Mapping[str, tuple[Kind, str]] = EventNames(self.kind_of)
        fields = _fields(sections["fields"])
        inner = {folded: ours for folded, ours in fields.items() if ours not in TOP_LEVEL}
        self.fields: Mapping[str, str] = FieldNames(TOP_LEVEL_BY_FOLD | PROPERTIES_BY_FOLD | fields)
        self.own = frozenset(name for name in TOP_LEVEL if self.fields[name] == name)
        self.properties: Mapping[str, str] = FieldNames(PROPERTIES_BY_FOLD | inner)
        self.renames: Mapping[tuple[str, ...], tuple[str, ...] | None] = Renames(self.properties)
        self.shop_currency, self._rates = _currency(sections["currency"])
        exclude = section(sections, "exclude", {"bots", "staff", "test"})
        self._bots = _any_of(texts(exclude, "exclude", "bots"), "exclude.bots")
        self._people = {word: _people(exclude, word) for word in ("staff", "test")}
        self.excludes_people = any(pattern for pair in self._people.values() for pattern in pair)
        machine = section(sections, "machine", {"fields", "agents"})
        self.machine_fields = tuple(texts(machine, "machine", "fields"))
        self._scanners = _any_of(texts(machine, "machine", "agents"), "machine.agents")
        self.kept_context = tuple(texts(sections, "", "context"))
        self.file = FileLayout.of(section(sections, "file", FileLayout.KEYS))
        self._agents: dict[str, tuple[bool, bool]] = {}

    def kind_of(self, name: str) -> Kind:
        """Return the kind an event name stands for, `Kind.OTHER` where nobody knows it."""
        return self._kinds.get(fold_name(name), Kind.OTHER)

    def rate(self, currency: str) -> float | None:
        """Return what one unit of `currency` is worth in the shop's, None where nobody said."""
        return self._rates.get(currency.upper())

    def agent(self, user_agent: str) -> tuple[bool, bool]:
        """Return whether a user agent is (a bot, a mail scanner)."""
        known = self._agents.get(user_agent)
        if known is None:
            known = (_found(self._bots, user_agent), _found(self._scanners, user_agent))
            if len(self._agents) < CACHED:
                self._agents[user_agent] = known
        return known

    def excluded_person(self, ids: Iterable[str | None], email: str | None) -> str | None:
        """Return `staff` or `test` where an id or the e-mail address is listed as such."""
        for word, (of_ids, of_emails) in self._people.items():
            if of_ids and any(each and of_ids.match(each) for each in ids):
                return word
            if of_emails and email and of_emails.match(email):
                return word
        return None

    def nearest(self, name: str) -> str | None:
        """Return the canonical name that looks most like an unknown one (slow: milliseconds)."""
        found = get_close_matches(fold_name(name), self._kinds, n=1, cutoff=0.6)
        return NAMES[self._kinds[found[0]]] if found else None


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and pattern.search(text) is not None


def _merged(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Lay mapping files over each other: mappings key by key, anything else as a whole."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in section({"": layer}, "", set(_SECTIONS)).items():
            merged[name] = _over(merged.get(name), value)
    return {name: {} if merged.get(name) is None else merged[name] for name in _SECTIONS}


def _over(below: object, above: object) -> object:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return below if above is None else above


def _kinds(events: object) -> dict[str, Kind]:
    rows = section({"events": events}, "events", None)
    return {fold_name(theirs): _kind(f"events.{theirs}", ours) for theirs, ours in rows.items()}


def _kind(place: str, ours: object) -> Kind:
    name = text(ours, place)
    kind = ALIASES.get(fold_name(name))
    if kind is None:
        _unknown_kind(place, name)
    return kind


def _unknown_kind(place: str, ours: str) -> NoReturn:
    near = get_close_matches(ours, NAMES.values(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise BadMapping(place, f"{ours!r} is not an event we know{hint}")


def _fields(fields: object) -> dict[str, str]:
    rows = section({"fields": fields}, "fields", None)
    return {fold_name(theirs): _ours(text(ours, f"fields.{theirs}")) for theirs, ours in rows.items()}


def _ours(name: str) -> str:
    folded = fold_name(name)
    return TOP_LEVEL_BY_FOLD.get(folded) or PROPERTIES_BY_FOLD.get(folded) or name


def _currency(sections: object) -> tuple[str, dict[str, float]]:
    rows = section({"currency": sections}, "currency", {"shop", "rates"})
    shop = text(rows.get("shop", "USD"), "currency.shop").upper()
    rates = section(rows, "currency.rates", None)
    worth = {code.upper(): number_over_zero(rate, f"currency.rates.{code}") for code, rate in rates.items()}
    return shop, {**worth, shop: 1.0}


def _people(exclude: Mapping[str, Any], word: str) -> tuple[re.Pattern[str] | None, ...]:
    rows = section(exclude, f"exclude.{word}", {"ids", "emails"})
    lists = (texts(rows, f"exclude.{word}", each) for each in ("ids", "emails"))
    return tuple(_any_of([translate(each) for each in found], word) for found in lists)


def _any_of(patterns: list[str], place: str) -> re.Pattern[str] | None:
    for row, each in enumerate(patterns):
        try:
            re.compile(each)
        except re.error as error:
            raise BadMapping(f"{place}[{row}]", f"not a regular expression: {error}") from error
    joined = "|".join(f"(?:{each})" for each in patterns)
    return re.compile(joined, re.IGNORECASE) if patterns else None
