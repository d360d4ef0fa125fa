"""The policy again, naively: the whole history in a list, looked through from the start at every question."""

from dataclasses import dataclass, field, replace

import yaml

from features.activity import ELSEWHERE, PASSIVE
from tests.acceptance.naive_cancelling import named, was_ended
from tests.acceptance.naive_chance import explored_share, is_explored, is_held_out
from tests.acceptance.naive_conditions import MINUTE, Known, Moment, holds, listed, span
from tests.acceptance.naive_findings import findings
from tests.acceptance.naive_moment import Outlook
from tests.acceptance.naive_standing import OPT_OUTS, Standing, traits_of
from tests.acceptance.naive_uplift import measured
from tests.features.formulas import sessions

NO_VISIT = PASSIVE | ELSEWHERE

FIRED = ("sent", "control", "dry_run")


@dataclass(eq=False)
class Run:
    """A trigger on its way: what began it, which step is next, and when."""

    trigger: dict
    root: str
    event: Known
    key: str = ""
    due_at: int = 0
    armed_at: int = 0
    step: int = 0
    first_at: int | None = None
    is_due: bool = False
    message: tuple | None = None

    @property
    def place(self):
        return self.trigger["name"], self.step, self.key

    def said(self, field, otherwise=None):
        """Return what the step says, or where it says nothing the trigger."""
        own = self.trigger["steps"][self.step - 1] if self.step else {}
        return own.get(field, self.trigger.get(field, otherwise))

    @property
    def when(self):
        """The condition of the step alone."""
        return self.trigger["steps"][self.step - 1].get("when") if self.step else self.trigger.get("when")


@dataclass
class Decision:
    """What was decided."""

    trigger: str
    user: str
    at: int
    action: str
    reason: str
    step: int = 0
    channels: tuple = ()
    due_at: int | None = None
    key: str = ""
    counts: bool = False
    findings: tuple = ()

    @property
    def decision_id(self):
        return f"{self.at:013x}000.{self.trigger}"

    @property
    def told(self):
        made = self.trigger, self.user, self.at, self.action, self.reason, self.step, self.channels, self.due_at
        return *made, self.findings


def certain(probability):
    """Return scores that are always the same."""
    return lambda _events, _at: {"24h": probability}


def is_machine(events):
    """Whether a visit of 300 events or more ever ran at more than 120 a minute."""
    history = [each.happening for each in events]
    for end in range(300, len(history) + 1):
        _, (first, last, visit) = sessions(history[:end])
        if len(visit) >= 300 and len(visit) / max((last - first) / MINUTE, 1.0) > 120:
            return True
    return False


@dataclass
class Naive:
    """A replay of a policy file's text; `scores` gives the probabilities of a person's events at a moment."""

    text: str
    scores: object
    start: int
    log: list = field(default_factory=list)
    told: list = field(default_factory=list)
    ids: dict = field(default_factory=dict)
    by_root: dict = field(default_factory=dict)
    zones: dict = field(default_factory=dict)
    timers: list = field(default_factory=list)
    decisions: list = field(default_factory=list)
    of_root: dict = field(default_factory=dict)
    taken: set = field(default_factory=set)
    deciles: tuple = ()
    uplifts: dict = field(default_factory=dict)

    def __post_init__(self):
        self.clock = self.last = self.start
        policy = yaml.load(self.text, yaml.CBaseLoader)
        self.shop_zone = policy.get("shop_zone", "UTC")
        self.segments = {each["name"]: each["when"] for each in policy.get("segments", [])}
        self.triggers = policy["triggers"]
        self.policy = policy

    # Who is who.

    def obtain(self, key):
        """Return whose key this is; whoever is new gets a place in the order of arrival."""
        self.by_root.setdefault(self.ids.setdefault(key, key), [])
        return self.ids[key]

    def revealed(self, event, root):
        """Return whom an event shows to be the same person."""
        if event.name == "Identified" and event.user_id and event.anonymous_id:
            asked = [f"anonymous:{event.anonymous_id}"]
            self.obtain(asked[0])
        elif event.previous_id:
            asked = [f"anonymous:{event.previous_id}", event.previous_id]
        else:
            asked = []
        return next((each for each in asked if self.ids.get(each) == each != root), None)

    def merge(self, root, other):
        # Where the person is under the id that stays counts, if that is known.
        self.zones[root] = self.zones.get(root) or self.zones.pop(other, None)
        for key, owner in self.ids.items():
            if owner == other:
                self.ids[key] = root
        self.of_root.setdefault(root, []).extend(self.of_root.pop(other, []))
        self.by_root[root] = sorted(self.by_root[root] + self.by_root.pop(other), key=lambda each: each.number)
        for mine in [each for each in self.timers if each.root == root]:
            for theirs in [each for each in self.timers if each.root == other and each.place == mine.place]:
                self.timers.remove(theirs if theirs.due_at <= mine.due_at else mine)
        for each in self.timers:
            each.root = root if each.root == other else each.root
        steps = [each for each in self.timers if each.root == root and each.step]
        for each in steps:
            others = [one for one in steps if (one.trigger, one.key) == (each.trigger, each.key)]
            if any((one.due_at, one.step) > (each.due_at, each.step) for one in others):
                self.timers.remove(each)

    def unit(self, root):
        """Return the earliest id of a person."""
        return next(key for key, owner in self.ids.items() if owner == root)

    # What happens.

    def tick(self):
        self.last = max(self.clock, self.last + 1)
        return self.last

    def seen(self, root):
        return max((each.known_at for each in self.by_root[root]), default=0)

    def visited(self, root):
        """Return when a person last did something in the shop themselves; a mailbox is none of it."""
        return max((each.known_at for each in self.by_root[root] if each.event.kind not in NO_VISIT), default=0)

    def happens(self, event):
        """Take an event in, unless it came before."""
        if event.message_id in self.taken:
            return
        self.taken.add(event.message_id)
        self.reach(event.occurred_at)
        tick = self.tick()
        root = self.obtain(event.key)
        other = self.revealed(event, root)
        known_at = max(tick, self.seen(root) + 1, self.seen(other) + 1 if other else 0)
        self.last = max(self.last, known_at)
        if other:
            self.merge(root, other)
        self.zones[root] = event.timezone or self.zones.get(root)
        known = Known(event, event.key, len(self.log), known_at, root=root, merged=other)
        self.log.append(known)
        self.by_root[root].append(known)
        payload = event.payload
        if (
            other
            or known.name in OPT_OUTS
            or "traits" in payload
            or {"consent", "traits"} & payload.get("context", {}).keys()
        ):
            self.told.append(known)
        self.heed(known)

    def heed(self, known):
        """Let an event end what waits, begin what waits, and ask what decides at once."""
        for trigger in self.triggers:
            if known.name in listed(trigger.get("cancel_on", [])):
                ended = self.cancel(trigger, known)
                if ended:
                    self.write(Run(trigger, known.root, known, step=max(ended)), known.known_at, "cancelled")
        reacting = [each for each in self.triggers if known.name in listed(each["on"])]
        for trigger in reacting:
            if "after" in trigger or "inactive_for" in trigger:
                self.arm(trigger, known)
        for trigger in sorted(reacting, key=lambda each: -int(each.get("priority", 0))):
            key = self.key(trigger, known)
            if "after" in trigger or "inactive_for" in trigger or key is None:
                continue
            run = Run(trigger, known.root, known, key, armed_at=known.event.occurred_at)
            self.decide(run, known.known_at, known.event.occurred_at, self.unit(known.root))

    def reach(self, moment):
        """Let everything happen that is due until a moment."""
        while moment > self.clock:
            due = [each for each in self.timers if each.due_at <= moment]
            if not due:
                break
            # In due order; who came first in the shop goes first among equals.
            first = {user: place for place, user in enumerate(self.ids)}
            self.fire(min(due, key=lambda run: (run.due_at, first[run.root], *run.place)))
        self.clock = max(self.clock, moment)

    def fire(self, run):
        self.timers.remove(run)
        quiet_for = run.trigger.get("inactive_for") if run.step == 0 else None
        if quiet_for and self.visited(run.root) + span(quiet_for) > run.due_at:
            self.timers.append(replace(run, due_at=self.visited(run.root) + span(quiet_for), first_at=None))
            return
        self.clock = max(self.clock, run.due_at)
        if was_ended(run, self.by_root[run.root]):
            self.write(run, self.tick(), "cancelled")
            return
        self.decide(replace(run, is_due=True), self.tick(), run.due_at, self.unit(run.root))

    def arm(self, trigger, known):
        if known.known_at - known.event.occurred_at > span(trigger.get("max_event_age", "1 h")):
            return
        key = self.key(trigger, known)
        if key is None:
            return
        waits = span(trigger.get("after") or trigger["inactive_for"])
        fresh = Run(trigger, known.root, known, key, known.known_at + waits, known.event.occurred_at)
        old = self.waiting(fresh)
        if "inactive_for" in trigger and any(each.first_at is None for each in old):
            return
        if all(each.armed_at <= fresh.armed_at for each in old):
            self.wait(fresh)

    def waiting(self, run):
        return [each for each in self.timers if each.root == run.root and each.place == run.place]

    def wait(self, run):
        """Let a run wait in place of what waits at the same step for the same thing."""
        old = self.waiting(run)
        self.timers = [each for each in self.timers if each not in old] + [run]

    def end(self, run, is_ended):
        mine = [each for each in self.timers if each.root == run.root and each.trigger is run.trigger]
        ended = [each for each in mine if each.key == run.key and is_ended(each.step)]
        self.timers = [each for each in self.timers if each not in ended]

    def key(self, trigger, known):
        what = trigger.get("key", "user")
        return "" if what == "user" else str(known.properties.get(f"{what}_id") or "") or None

    def cancel(self, trigger, known):
        """End what an event makes pointless; return the steps that waited."""
        mine = [each for each in self.timers if each.root == known.root and each.trigger is trigger]
        ended = [each for each in mine if each.armed_at <= known.event.occurred_at]
        about = named(trigger.get("key", "user"), known.properties)
        if about:
            ended = [each for each in ended if each.key in about]
        self.timers = [each for each in self.timers if each not in ended]
        return [each.step for each in ended]

    # What is decided.

    def decide(self, run, at, since, unit):
        """Decide, write it down, and let what follows wait."""
        trigger, who = run.trigger, self.person(run, at)
        reason, channels, due_at = self.verdict(run, who, since, unit)
        asked, together, _ = self.route(run, who)
        said = findings(Outlook(self, run, who, tuple(asked), together), asked, reason)
        self.write(run, at, reason, channels, due_at, said)
        if "steps" not in trigger and "send_within" not in trigger:
            return
        if not run.is_due and reason != "stale_event":
            self.end(run, lambda step: step == 0)
        if run.step == 0 and reason in FIRED:
            self.end(run, lambda step: step > 0)
        if reason == "put_off":
            self.wait(replace(run, due_at=due_at, first_at=run.first_at or at))
        goes_on = reason in FIRED or (run.step > 0 and reason == "condition_not_met")
        if goes_on and run.step < len(trigger.get("steps", [])):
            due_at = at + span(trigger["steps"][run.step]["after"])
            message = (self.decisions[-1].decision_id, at) if reason in FIRED else run.message
            self.wait(replace(run, step=run.step + 1, due_at=due_at, first_at=None, message=message))

    def verdict(self, run, who, since, unit):
        """Return the reason, the channels and the moment of the next question."""
        trigger, at = run.trigger, who.at
        channels, together, taken = self.route(run, who)
        transactional = trigger.get("class") == "transactional"
        free, barred = self.unbarred(run, channels)
        held = self.objection(run, who, since, None if free else barred)
        if held is None and not (taken and (run.when is None or holds(run.when, who))):
            held = "condition_not_met"
        if held is not None:
            return held, (), None
        found = Outlook(self, run, who, free, together)
        now = found.channels(at) if not transactional else (free if together else free[:1])
        due_at = at if transactional else found.moment(at)
        if due_at is not None and due_at > at:
            return "put_off", (), due_at
        if not now:
            return barred or found.hindrance(free[0], at) or "capped", (), None
        if self.is_doubted(run, who) and not is_explored(trigger, self.policy, unit, at):
            return "below_threshold", now, None
        if trigger.get("mode", "dry_run") == "dry_run":
            return "dry_run", now, None
        return ("control" if not transactional and is_held_out(trigger, self.policy, unit) else "sent"), now, None

    def person(self, run, at):
        events = self.by_root[run.root]
        traits = traits_of(self.told, run.root, len(self.log))
        zone, message = self.zones.get(run.root), run.message
        return Moment(
            at, events, run.event, self.scores(events, at), zone, self.segments, self.deciles, traits, message
        )

    def route(self, run, who):
        """Return the channels, whether all are used, and whether there is a way to go at all."""
        said, taken = run.said("channel", "webhook"), True
        branches = run.trigger["steps"][run.step - 1].get("branches", []) if run.step else []
        if branches:
            way = next((each for each in branches if holds(each["when"], who)), None)
            said, taken = (way or {}).get("channel", said), way is not None
        if isinstance(said, str):
            return [said], False, taken
        return said.get("prefer") or said["together"], "together" in said, taken

    def unbarred(self, run, channels):
        """Return the channels that nothing bars, and what bars the first."""
        standing = Standing(self.told, run.root, len(self.log))
        transactional = run.trigger.get("class") == "transactional"
        bars = {}
        for each in channels:
            if standing.suppression(each, transactional=transactional):
                bars[each] = "suppressed"
            elif not transactional and standing.lacks_consent(run.trigger.get("guards", {}), each):
                bars[each] = "no_consent"
        return tuple(each for each in channels if each not in bars), bars.get(channels[0])

    def objection(self, run, who, since, barred):
        """Return the first reason, but for conditions and the moment."""
        trigger, at = run.trigger, who.at
        late = span(trigger.get("expires_after", "24 h") if run.is_due else trigger.get("max_event_age", "1 h"))
        transactional = trigger.get("class") == "transactional"
        unknown = measured(self, run, who)[0] is None
        cool_down, fired = span(trigger["cool_down"]), self.fired(run)
        objections = {
            "excluded_user": any(each.event.excluded for each in who.events) or is_machine(who.events),
            "expired" if run.is_due else "stale_event": at - since > late,
            "exited": run.step > 0 and "exit_when" in trigger and holds(trigger["exit_when"], who),
            barred: barred is not None,
            "no_score": not transactional and unknown,
            "below_threshold": self.is_doubted(run, who) and not explored_share(trigger, self.policy),
            "cooling_down": run.step == 0 and any(at - each.at < cool_down for each in fired),
        }
        return next((reason for reason, holds_it in objections.items() if holds_it), None)

    def is_doubted(self, run, who):
        """Whether there is a score, it is asked for, and it is too low."""
        found, needed, _ = measured(self, run, who)
        transactional = run.trigger.get("class") == "transactional"
        return not transactional and found is not None and found < needed

    def fired(self, run):
        mine = [each for each in self.of_root.get(run.root, []) if each.reason in FIRED]
        return [each for each in mine if (each.trigger, each.key) == (run.trigger["name"], run.key)]

    def write(self, run, at, reason, channels=(), due_at=None, said=()):
        action = {"sent": "send", "control": "control"}.get(reason, "hold")
        counts = action != "hold" and run.trigger.get("class") != "transactional"
        name = run.trigger["name"]
        made = Decision(name, run.root, at, action, reason, run.step, channels, due_at, run.key, counts, said)
        self.decisions.append(made)
        self.of_root.setdefault(run.root, []).append(made)
