"""What stands against a message, naively: gone through from the first event of the log at every question."""

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.acceptance.naive_conditions import MINUTE

OPT_OUTS = {
    "Unsubscribed": ("email", "unsubscribed"),
    "Email Bounced": ("email", "bounced"),
    "Email Marked as Spam": ("email", "complained"),
    "Push Notification Bounced": ("push", "bounced"),
}
QUARTER = 15 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Standing:
    """One person as of a position of the log; `told` holds the events that link people or say something."""

    def __init__(self, told, root, number):
        self.said, self.barred, self.addresses, self.dead = {}, {}, {}, {}
        for each in told:
            if each.number <= number:
                self.hear(each)
        self.root = root

    def hear(self, known):
        mine, payload = known.root, known.event.payload
        if known.merged is not None:
            self.join(mine, known.merged)
        traits, context = payload.get("traits", {}), payload.get("context", {})
        own = [traits[name].strip().lower() for name in ("email",) if name in traits]
        self.addresses.setdefault(mine, set()).update(own)
        spoken = {**traits.get("consents", {}), **context.get("consent", {}).get("categoryPreferences", {})}
        for name, granted in sorted(spoken.items()):
            self.say(mine, name, granted, known.at)
        if known.name in OPT_OUTS:
            self.opt_out(known, *OPT_OUTS[known.name])

    def say(self, root, name, granted, at):
        """The latest word counts, of two at the same moment the one that arrived last."""
        purpose, _, channel = name.partition(":")
        words = self.said.setdefault(root, {})
        key, wide = (purpose, channel or "*"), (purpose, "*")
        if max((words[each][1] for each in (key, wide) if each in words), default=at) > at:
            return
        words[key] = (granted, at)
        if key == wide:
            for other in [each for each in words if each[0] == purpose and each != wide and words[each][1] <= at]:
                del words[other]

    def join(self, root, other):
        """Of what two ids said the stricter counts."""
        sides = [self.said.get(root, {}), self.said.get(other, {})]
        joined = {}
        for key in {*sides[0], *sides[1]}:
            words = [side.get(key, side.get((key[0], "*"))) for side in sides]
            joined[key] = min((each for each in words if each is not None), key=lambda each: each[0])
        self.said[root] = joined
        self.addresses.setdefault(root, set()).update(self.addresses.get(other, ()))
        self.barred.setdefault(root, []).extend(self.barred.get(other, ()))

    def opt_out(self, known, channel, why):
        properties = known.properties
        if properties.get("bounce_type") == "soft":
            return
        named = properties.get("email", "").strip().lower()
        mail = sorted(self.addresses[known.root]) if channel == "email" else []
        addresses = [named] if named else mail
        for each in addresses:
            self.dead.setdefault(each, []).append((channel, why))
        if why != "bounced" or not addresses:
            self.barred.setdefault(known.root, []).append((channel, why))

    def suppression(self, channel, *, transactional):
        """Return why a channel is suppressed, the gravest of all reasons, or None."""
        against = list(self.barred.get(self.root, ()))
        own = self.addresses.get(self.root, ())
        told = [each for address in own for each in self.dead.get(address, ())]
        # Who has another address is written to there.
        against += [each for each in told if each[1] != "bounced" or all(address in self.dead for address in own)]
        reasons = {why for on, why in against if channel in ("webhook", on)}
        graver = sorted(reasons - {"unsubscribed"})
        return next(iter(graver), None if transactional or not reasons else "unsubscribed")

    def lacks_consent(self, guards, channel):
        said, _ = self.word(guards, channel)
        return {"none": False, "opt_in": not said, "legitimate_interest": said is False}[basis_of(guards, channel)]

    def word(self, guards, channel):
        """Return what was said of a purpose on a channel, and when; of several for a webhook a refusal first."""
        words = self.said.get(self.root, {})
        purpose = guards.get("purpose", "marketing")
        if channel == "webhook":
            return min([word for (of, _), word in words.items() if of == purpose], default=(None, None))
        return words.get((purpose, channel), words.get((purpose, "*"), (None, None)))


def traits_of(told, root, number):
    """Return what is known of a person as of a position of the log: the newest word on each field, by name."""
    known = {}
    for each in told:
        if each.number <= number:
            mine, payload = known.setdefault(each.root, {}), each.event.payload
            spoken = {**payload.get("context", {}).get("traits", {}), **payload.get("traits", {})}
            new = {name: (value, each.at) for name, value in spoken.items()}
            for heard in (known.pop(each.merged, {}), new):
                mine.update({name: word for name, word in heard.items() if word[1] >= mine.get(name, word)[1]})
    return {name: value for name, (value, _) in known.get(root, {}).items()}


def basis_of(guards, channel):
    return guards.get("consent", "none" if channel == "webhook" else "opt_in")


@cache
def clock(at, zone):
    """Return what a clock on the wall shows."""
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone)).time()


@cache
def time_of(text):
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))


def is_quiet(quiet, zone, at):
    start, end, shown = time_of(quiet["from"]), time_of(quiet["to"]), clock(at, zone)
    return start <= shown < end if start < end else shown >= start or shown < end


def quiet_end(quiet, zone, at):
    """Return the first moment that is not quiet; the hours of these tests end at quarters of an hour."""
    while is_quiet(quiet, zone, at):
        at = (at // QUARTER + 1) * QUARTER
    return at


def zone_for(quiet, zone, shop_zone):
    """Return whose clock counts; None where the policy is to hold."""
    if zone is not None:
        return zone
    return {"assume": quiet.get("zone"), "shop_zone": shop_zone}.get(quiet.get("unknown_zone", "hold"))
