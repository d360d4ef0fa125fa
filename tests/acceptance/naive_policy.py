"""The policy again, naively: the whole history in a list, looked through from the start at every question."""

from dataclasses import dataclass, field

MINUTE = 60_000_000


@dataclass
class Known:
    """An event as the naive log holds it; moments in microseconds."""

    user: str
    name: str
    occurred_at: int
    known_at: int
    properties: dict


@dataclass
class Waiting:
    """A timer in a list."""

    user: str
    trigger: dict
    key: str
    due_at: int
    armed_at: int
    event: Known


@dataclass
class Naive:
    """A replay of one policy, whose triggers are plain dictionaries with durations in minutes."""

    triggers: list
    probability: float
    start: int
    log: list = field(default_factory=list)
    timers: list = field(default_factory=list)
    decisions: list = field(default_factory=list)
    clock: int = 0
    last: int = 0

    def __post_init__(self):
        self.clock = self.last = self.start

    def tick(self):
        self.last = max(self.clock, self.last + 1)
        return self.last

    def happens(self, user, name, occurred_at, properties):
        """Take an event in."""
        self.reach(occurred_at)
        mine = [each.known_at for each in self.log if each.user == user]
        known_at = max(self.tick(), max(mine, default=0) + 1)
        self.last = max(self.last, known_at)
        event = Known(user, name, min(occurred_at, known_at), known_at, properties)
        self.log.append(event)
        for trigger in self.triggers:
            if name in trigger.get("cancel_on", []) and self.cancel(trigger, event):
                self.write(trigger, user, known_at, "cancelled")
        for trigger in self.triggers:
            if name in trigger["on"] and (trigger.get("after") or trigger.get("inactive_for")):
                self.arm(trigger, event)
        for trigger in self.triggers:
            if name in trigger["on"] and not (trigger.get("after") or trigger.get("inactive_for")):
                self.decide(trigger, event, known_at, event.occurred_at)

    def reach(self, moment):
        """Let everything happen that is due until a moment."""
        while moment > self.clock:
            due = [each for each in self.timers if each.due_at <= moment]
            if not due:
                break
            # In due order; who came first in the shop goes first among equals.
            users = [each.user for each in self.log]
            timer = min(due, key=lambda t: (t.due_at, users.index(t.user), t.trigger["name"], t.key))
            self.fire(timer)
        self.clock = max(self.clock, moment)

    def fire(self, timer):
        self.timers.remove(timer)
        quiet_for = timer.trigger.get("inactive_for")
        if quiet_for:
            seen = max(each.known_at for each in self.log if each.user == timer.user)
            if seen + quiet_for * MINUTE > timer.due_at:
                timer.due_at = seen + quiet_for * MINUTE
                self.timers.append(timer)
                return
        self.clock = max(self.clock, timer.due_at)
        self.decide(timer.trigger, timer.event, self.tick(), timer.due_at)

    def arm(self, trigger, event):
        if event.known_at - event.occurred_at > 60 * MINUTE:
            return
        key = event.properties.get("product_id", "") if trigger.get("key") == "product" else ""
        if trigger.get("key") == "product" and not key:
            return
        waits = (trigger.get("after") or trigger.get("inactive_for")) * MINUTE
        fresh = Waiting(event.user, trigger, key, event.known_at + waits, event.occurred_at, event)
        old = [t for t in self.timers if (t.user, t.trigger["name"], t.key) == (event.user, trigger["name"], key)]
        if old and trigger.get("inactive_for"):
            return
        self.timers = [each for each in self.timers if each not in old] + [fresh]

    def cancel(self, trigger, event):
        mine = [t for t in self.timers if t.user == event.user and t.trigger is trigger]
        pointless = [t for t in mine if t.armed_at <= event.occurred_at]
        bought = event.properties.get("product_id")
        if trigger.get("key") == "product" and bought:
            pointless = [t for t in pointless if t.key == bought]
        self.timers = [each for each in self.timers if each not in pointless]
        return bool(pointless)

    def decide(self, trigger, event, at, since):
        waits = trigger.get("after") or trigger.get("inactive_for")
        if at - since > (24 * 60 if waits else 60) * MINUTE:
            reason = "expired" if waits else "stale_event"
        elif self.probability < trigger["threshold"]:
            reason = "below_threshold"
        elif self.is_cooling(trigger, event.user, at):
            reason = "cooling_down"
        elif not self.holds(trigger.get("when"), event, at):
            reason = "condition_not_met"
        else:
            reason = "sent" if trigger["live"] else "dry_run"
        self.write(trigger, event.user, at, reason)

    def is_cooling(self, trigger, user, at):
        fired = [
            then
            for name, whose, then, reason in self.decisions
            if (name, whose) == (trigger["name"], user) and reason in ("sent", "dry_run")
        ]
        return any(at - then < trigger["cool_down"] * MINUTE for then in fired)

    def holds(self, when, event, at):
        if when is None:
            return True
        [(what, rest)] = when.items()
        if what == "all":
            return all(self.holds(each, event, at) for each in rest)
        if what == "any":
            return any(self.holds(each, event, at) for each in rest)
        if what == "not":
            return not self.holds(rest, event, at)
        since = event.occurred_at if what == "not_since" else at - rest["within"] * MINUTE
        found = [
            each
            for each in self.log
            if each.user == event.user and each.name == rest["event"] and since < each.occurred_at <= at
        ]
        return not found if what == "not_since" else len(found) >= rest["at_least"]

    def write(self, trigger, user, at, reason):
        self.decisions.append((trigger["name"], user, at, reason))
