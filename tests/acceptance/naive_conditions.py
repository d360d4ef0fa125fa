"""Conditions again, naively: a policy file's own texts, asked of a list of all that a person did."""

from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from features.activity import ELSEWHERE, PASSIVE
from features.catalog import CATALOGUE
from features.events import unpack_record
from features.kinds import NAMES
from policy.guards import CHANNELS
from serving.message import message_id_of
from tests.features.formulas import formula
from tests.features.histories import Happening

MINUTE = 60_000_000
DECLARED = dict(zip(CATALOGUE.names, CATALOGUE.declarations, strict=True))
UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
RESPONSES = {
    "delivered": ("Email Delivered", "Push Notification Received", "SMS Delivered"),
    "opened": ("Email Opened",),
    "clicked": ("Email Link Clicked", "SMS Clicked"),
    "tapped": ("Push Notification Tapped",),
    "bounced": ("Email Bounced", "Push Notification Bounced", "SMS Failed"),
}
ABOUT = {"product": ("product_id", "sku"), "category": ("category",), "cart": ("cart_id",)}


@cache
def span(text):
    """Return a duration such as `30 min` in microseconds."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(digits) :].strip()
    return round(float(digits) * UNITS[unit] * 1e6) if unit else 0


def share(text):
    """Return `25%` or `0.25` as a number."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def listed(value):
    return value if isinstance(value, list) else [value]


@dataclass(eq=False)
class Known:
    """An event as the naive log holds it; moments in microseconds."""

    event: object
    user: str
    number: int
    known_at: int
    at: int = 0
    name: str = ""
    root: str = ""
    merged: str | None = None

    def __post_init__(self):
        self.at = min(self.event.occurred_at, self.known_at)
        self.name = NAMES[self.event.kind] if self.event.kind else self.event.name

    @property
    def properties(self):
        return self.event.payload.get("properties", {})

    @cached_property
    def happening(self):
        at, _, flags, offset, amount, quantity, discount, product, items, _ = unpack_record(self.event.record)
        return Happening(
            self.event.kind, int(at), self.known_at, int(flags), offset, amount, quantity, discount, int(product), items
        )


@dataclass
class Moment:
    """One person at one moment; `events` is everything of theirs, in the order of arrival."""

    at: int
    events: list
    asking: Known | None = None
    scores: dict = field(default_factory=dict)
    zone: str | None = None
    segments: dict = field(default_factory=dict)
    deciles: tuple = ()
    traits: dict = field(default_factory=dict)
    message: tuple | None = None
    """Of which decision, and when, the last message of the sequence was."""

    def since(self, moment, name=None):
        """Return what happened after a moment, the latest first."""
        found = [each for each in self.events if moment < each.at <= self.at and name in (None, each.name)]
        return sorted(found, key=lambda each: (each.at, each.known_at), reverse=True)

    def window(self, what):
        return self.at - span(what["within"]) if "within" in what else -1


def holds(when, now):
    """Whether a condition holds for somebody at a moment."""
    [(what, rest)] = when.items()
    match what:
        case "all":
            return all(holds(each, now) for each in rest)
        case "any":
            return any(holds(each, now) for each in rest)
        case "not":
            return not holds(rest, now)
        case _:
            return LEAVES[what](rest, now)


def event(rest, now):
    return now.asking is not None and is_so(rest, now.asking.properties.get(rest["property"]))


def count(rest, now):
    found = [each for each in now.since(now.window(rest), rest["event"]) if concerns(rest, each, now, unsaid=False)]
    found = [
        each
        for each in found
        if all(is_so(test, each.properties.get(test["property"])) for test in listed(rest.get("where", [])))
    ]
    multiple = "every" not in rest or (found and len(found) % int(rest["every"]) == 0)
    return bool(multiple) and is_as_often(rest, len(found))


def not_since(rest, now):
    if "since" not in rest:
        start = now.asking.at
    else:
        earliest = now.at - span(rest.get("within", "90 d"))
        before = [each.at for each in now.since(earliest, rest["since"]) if concerns(rest, each, now, unsaid=False)]
        start = max(before, default=earliest)
    return not any(concerns(rest, each, now, unsaid=True) for each in now.since(start, rest["event"]))


def last(rest, now):
    sent = now.since(now.at - span(rest.get("within", "90 d")), rest["of"])[: int(rest["n"])]
    if len(sent) < int(rest["n"]):
        return False
    answers = now.since(sent[-1].at, rest["none"])
    by = rest.get("by")
    return not any(
        by is None or (each.properties.get(by) is not None and each.properties.get(by) == message.properties.get(by))
        for each in answers
        for message in sent
    )


def intent(rest, now):
    score = now.scores.get(rest.get("horizon", "24h"))
    if score is None or score != score:
        return False
    if "decile" in rest and not (now.deciles and is_as_often(rest["decile"], 1 + sum(score >= x for x in now.deciles))):
        return False
    return is_between(rest, score)


def profile(rest, now):
    first, *path = rest["field"].split(".")
    found = now.zone if first == "timezone" else now.traits.get(first)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return is_so(rest, found)


def feature(rest, now):
    history = [each.happening for each in now.events if each.known_at <= now.at]
    value = formula(DECLARED[rest["name"]], history, now.at)
    return is_so(rest, None if value != value else value)


def send_hour(rest, now):
    """Nobody's best hour is sure."""
    return is_between(rest["confidence"], 0.0)


def learned(rest, now):
    """Nobody is in a segment that was not learned."""
    return False


def visits(rest, now):
    return is_as_often(rest, len(visits_of(now.since(now.window(rest)))))


def session(rest, now):
    found = visits_of(now.since(-1))
    if not found:
        return False
    latest = found[0]
    first, end = min(each.at for each in latest), max(each.at for each in latest)
    is_part = now.asking is not None and first <= now.asking.at <= end
    if now.at - end > 30 * MINUTE and not is_part:
        return False
    length = rest.get("length", {})
    products = {name for each in latest for name in subjects("product", each.properties)}
    return (
        all(compare(bound, end - first, span(value)) for bound, value in length.items())
        and is_as_often(rest.get("events", {}), len(latest))
        and is_as_often(rest.get("products", {}), len(products))
    )


def segment(rest, now):
    return holds(now.segments[rest], replace(now, asking=None, message=None))


def response(rest, now):
    if now.message is None:
        return False
    decision_id, sent_at = now.message
    named = {decision_id, *(message_id_of(decision_id, channel) for channel in (None, *CHANNELS))}
    answers = [each for name in RESPONSES[rest["is"]] for each in now.since(sent_at, name)]
    return any({each.properties.get("decision_id"), each.properties.get("message_id")} & named for each in answers)


_ALL = (event, count, not_since, last, intent, profile, feature, send_hour, learned, visits, session, segment, response)
LEAVES = {each.__name__: each for each in _ALL}


def visits_of(events):
    """Return the events of each visit, the latest first, of events with the latest first."""
    found = []
    for each in events:
        if each.event.kind in PASSIVE | ELSEWHERE:
            continue
        if found and found[-1][-1].at - each.at <= 30 * MINUTE:
            found[-1].append(each)
        else:
            found.append([each])
    return found


def subjects(what, properties):
    """Return the products, categories or carts that an event names."""
    parts = [properties, *(properties.get("products", []) if what != "cart" else [])]
    named = [
        next((str(part[name]) for name in ABOUT[what] if part.get(name) not in (None, "")), None) for part in parts
    ]
    return {each for each in named if each is not None}


def concerns(rest, seen, now, *, unsaid):
    """Whether an event is about what the asking one is about."""
    if "same" not in rest:
        return True
    asked = subjects(rest["same"], now.asking.properties) if now.asking else set()
    named = subjects(rest["same"], seen.properties)
    return bool(asked & named) or (unsaid and not (asked and named))


def compare(bound, value, against):
    return {
        "at_least": value >= against,
        "more_than": value > against,
        "at_most": value <= against,
        "less_than": value < against,
        "exactly": value == against,
    }[bound]


BOUNDS = ("at_least", "more_than", "at_most", "less_than", "exactly")


def is_as_often(rest, found):
    return all(compare(bound, found, int(rest[bound])) for bound in BOUNDS if bound in rest)


def is_between(rest, value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return all(number and compare(bound, value, share(rest[bound])) for bound in BOUNDS if bound in rest)


def is_so(rest, value):
    """Whether a value is what a comparison says of it; the texts and numbers of these tests are no booleans."""
    return (
        is_between(rest, value)
        and ("is" not in rest or str(value) == rest["is"])
        and ("is_not" not in rest or str(value) != rest["is_not"])
        and ("exists" not in rest or (value is not None) == (rest["exists"] == "true"))
    )
