"""When a message may go out, naively: every moment at which something could change is tried."""

from dataclasses import dataclass
from functools import cached_property

from policy.send_hours import PRIOR
from tests.acceptance.naive_chance import number
from tests.acceptance.naive_conditions import MINUTE, share, span
from tests.acceptance.naive_pending import fits, waiting
from tests.acceptance.naive_standing import QUARTER, clock, is_quiet, quiet_end, zone_for

CAPS = ("cap", "cap_per_channel", "cap_per_trigger")


@dataclass
class Outlook:
    """What stands in the way of a message now and later, if only what waits is sent, and nothing ordered or seen."""

    naive: object
    run: object
    who: object
    free: tuple
    together: bool

    @cached_property
    def guards(self):
        return self.run.trigger.get("guards", {})

    @cached_property
    def zone(self):
        shop_zone = self.naive.shop_zone
        if "quiet_hours" not in self.guards:
            return self.who.zone or shop_zone
        return zone_for(self.guards["quiet_hours"], self.who.zone, shop_zone)

    def hindrance(self, channel, at, more=()):
        """Return why a moment is a wrong one for a channel, or None; `more` are channels used at the same moment."""
        guards, seen = self.guards, self.seen
        gap = span(guards["gap_after_purchase"]) if "gap_after_purchase" in guards else 0
        if any(at - each < gap for each in self.orders):
            return "bought_recently"
        if guards.get("not_while_browsing") == "true" and at - seen < 30 * MINUTE:
            return "still_browsing"
        if any(self.used(cap, channel, at, more) >= int(guards[cap]["count"]) for cap in CAPS if cap in guards):
            return "capped"
        quiet = guards.get("quiet_hours")
        if quiet is None:
            return None
        if self.zone is None:
            return "unknown_zone"
        return "quiet_hours" if is_quiet(quiet, self.zone, at) else None

    @cached_property
    def seen(self):
        return self.naive.visited(self.run.root)

    def used(self, cap, channel, at, more=()):
        """Return how many messages a cap counts in the window that ends at a moment."""
        return sum(at - each < span(self.guards[cap]["window"]) for each in self.sends(cap, channel, at, more))

    @cached_property
    def orders(self):
        return [each.at for each in self.naive.by_root[self.run.root] if each.name == "Order Completed"]

    def sends(self, cap, channel, at, more):
        """Return when messages were sent that a cap counts."""
        sent = [(at, each, self.run.trigger["name"]) for each in more]
        for each in self.naive.of_root.get(self.run.root, []):
            if each.counts:
                sent += [(each.at, one, each.trigger) for one in each.channels]
        return self.counted(cap, channel, sent)

    def counted(self, cap, channel, messages):
        """Return when messages were, of which a cap counts all, those of a channel, or those of the trigger."""
        name = self.run.trigger["name"]
        counts = {
            "cap": lambda _channel, _trigger: True,
            "cap_per_channel": lambda on, _trigger: on == channel,
            "cap_per_trigger": lambda _channel, trigger: trigger == name,
        }
        return [when for when, on, trigger in messages if counts[cap](on, trigger)]

    @cached_property
    def waiting(self):
        """What else waits, where this is to keep away from it: not where its moment has come and suits."""
        seeks = span(self.run.trigger.get("send_within", "0"))
        suits = self.run.first_at is not None and any(self.is_allowed_on(each) for each in self.free)
        return waiting(self.naive, self.run) if seeks and not suits else []

    def fits(self, channel, at, more=()):
        """Whether caps leave room at a moment for this beside what waits, which came first."""
        if not self.waiting:
            return True
        others = {
            cap: self.sends(cap, channel, at, more) + self.counted(cap, channel, self.waiting)
            for cap in CAPS
            if cap in self.guards
        }
        return all(fits(self.guards[cap], found, at) for cap, found in others.items())

    def channels(self, at):
        """Return the channels on which the message goes out at a moment."""
        found = ()
        for each in self.free:
            if self.hindrance(each, at, found) is None and self.fits(each, at, found):
                found += (each,)
                if not self.together:
                    break
        return found

    def is_allowed(self, at):
        return any(self.hindrance(each, at) is None and self.fits(each, at) for each in self.free)

    def is_allowed_on(self, channel):
        return self.hindrance(channel, self.who.at) is None

    def moment(self, at):
        """Return when it goes out; None where it does not in time."""
        within = span(self.run.trigger.get("send_within", "0"))
        if not within:
            return at if self.is_allowed(at) else None
        until = (self.run.first_at or at) + within
        changes = [each for each in self.changes(at, until) if each <= until]
        best = self.run.trigger.get("send") == "best_hour" and self.run.first_at is None
        if not best or self.zone is None:
            return next((each for each in changes if self.is_allowed(each)), None)
        allowed = [each for each in changes if self.is_allowed(each)]
        if not allowed:
            return None
        return self.explored(min(allowed, key=lambda each: (-self.worth(each, at), each)), allowed, at)

    def worth(self, moment, at):
        """Return what a message is worth that goes out at a moment instead of now."""
        score = PRIOR[clock(moment, self.zone).hour]
        if "half_life" not in self.run.trigger:
            return score
        return score * 2.0 ** -((moment - at) / span(self.run.trigger["half_life"]))

    def explored(self, best, allowed, at):
        """Return the best moment, or one of the first moments in each hour, if it is drawn."""
        trigger, policy = self.run.trigger, self.naive.policy
        part = share(trigger.get("explore", policy.get("explore", {})).get("hours", "0%"))
        hours = {}
        for each in allowed:
            shown = clock(each, self.zone)
            hours.setdefault((shown.hour, shown.fold), each)
        found = number(f"hours of {trigger['name']}", f"{self.naive.unit(self.run.root)} at {at}") / 2**64
        return [*hours.values()][int(found / part * len(hours))] if found < part else best

    def changes(self, at, until):
        """Return every moment at which something that stands against the message may end, or an hour begins."""
        guards = self.guards
        ends = [at, self.seen + 30 * MINUTE]
        if "gap_after_purchase" in guards:
            ends += [each + span(guards["gap_after_purchase"]) for each in self.orders]
        for cap in CAPS:
            if cap in guards:
                for channel in self.free:
                    ends += [each + span(guards[cap]["window"]) for each in self.sends(cap, channel, at, ())]
                ends += [each + span(guards[cap]["window"]) for each, _, _ in self.waiting]
        ends += range((at // QUARTER + 1) * QUARTER, until + 1, QUARTER)
        if "quiet_hours" in guards and self.zone is not None:
            ends += [quiet_end(guards["quiet_hours"], self.zone, each) for each in ends]
        return sorted({each for each in ends if each >= at})
