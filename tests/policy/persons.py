"""A person at a moment, told by a test."""

from dataclasses import dataclass, field
from math import nan

from features.kinds import ALIASES, Kind, fold_name
from policy.guards import Given, bar, hindrance
from policy.view import Seen, SentMessage

HOUR = 3_600_000_000
DAY = 24 * HOUR


def seen(name, at, **properties):
    """Something that happened, and was known at once."""
    return Seen(int(ALIASES.get(fold_name(name), Kind.OTHER)), name, at, at, properties)


def words(said, at=0):
    """What somebody said about being written to: (purpose, channel) -> yes or no, all at one moment."""
    return {key: Given(granted, at, "statement") for key, granted in said.items()}


def objection(guards, standing, *, channel, message_class, trigger, at):
    """Return the first reason of any guard against a message of one channel at a moment, or None."""
    barred = bar(guards, standing, channel=channel, message_class=message_class)
    if barred or message_class == "transactional":
        return barred
    return hindrance(guards, standing, channel=channel, trigger=trigger, at=at)


@dataclass
class Person:
    """A `policy.view.View` over lists and dictionaries; the asking event is the last of the history unless told."""

    at: int = 10 * DAY
    history: list = field(default_factory=list)
    event: Seen | None = None
    features: dict = field(default_factory=dict)
    intents: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    deciles: dict = field(default_factory=dict)
    confidence: float = 0.0
    segments: dict = field(default_factory=dict)
    in_learned: dict = field(default_factory=dict)
    message: SentMessage | None = None

    def recent(self, kind_or_name, since_us):
        return [each for each in self.everything(since_us) if (each.kind or fold_name(each.name)) == kind_or_name]

    def everything(self, since_us):
        found = [each for each in self.history if since_us < each.occurred_at <= self.at]
        return sorted(found, key=lambda each: (each.occurred_at, each.known_at), reverse=True)

    def feature(self, name):
        return self.features.get(name, nan)

    def intent(self, horizon):
        return self.intents.get(horizon)

    def profile(self, name):
        return self.fields.get(name)

    def decile(self, horizon):
        return self.deciles.get(horizon)

    def send_hour_confidence(self):
        return self.confidence

    def learned(self, family):
        return self.in_learned.get(family)

    def segment(self, name):
        """Whether one of the `segments`, conditions by their names, holds."""
        return self.segments[name].holds(self)
