"""The decision: a pure function of a trigger and what is known at a moment, that always has a reason."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from policy.arms import CONTROL
from policy.caps import Sent
from policy.channels import Route, unbarred
from policy.conditions import Condition
from policy.draws import Draws
from policy.exploration import EXPLORED, decision_unit, hour_chance
from policy.guards import TRANSACTIONAL, Standing
from policy.moment import Asked, Moment, at_best, now_or_never, objection_to, soon
from policy.pending import Pending, nothing_pending
from policy.reasons import FIRED, Action, Reason
from policy.runs import AT_ONCE, Run
from policy.send_hours import Hours, prior_hours
from policy.triggers import Trigger
from policy.uplift import Uplifts, needed
from policy.view import View

# Bound once: looking up a member of an enumeration is slow in Python 3.11.
_HOLD, _CONTROL, _SEND = Action.HOLD, Action.CONTROL, Action.SEND
_SENT, _DRY_RUN, _PUT_OFF = Reason.SENT, Reason.DRY_RUN, Reason.PUT_OFF
_NO_SCORE, _BELOW_THRESHOLD, _CONDITION_NOT_MET = Reason.NO_SCORE, Reason.BELOW_THRESHOLD, Reason.CONDITION_NOT_MET
NOTHING_KNOWN: Final = Standing()
TEST_USER: Final = "test"
"""Why somebody is excluded whom the mapping lists as a test user."""


class LastFired(Protocol):
    """When triggers last fired for one user."""

    def get(self, name: str, /) -> int | None:
        """Return when what `Trigger.cools` names did, in microseconds; None if never."""


class Facts(Struct, eq=False):
    """What is known of one user when an event asks; the same for all triggers that react to it.

    Attributes:
        unit: What the arms are drawn for: the key of the earliest id of this person, which linking ids never changes.
        at: Moment of the question, in microseconds.
        event_at: When the event happened, in microseconds.
        scores: Probability of a purchase by horizon label; None or NaN where there is no answer.
        last_fired: `Trigger.cools` -> when it last fired for this user, in microseconds; None if never.
        excluded: Why this user gets no messages (`bot`, `staff`, `test`); None for everybody else.
        standing: What the guards look at; None where nothing is known, which is no consent either.
        look: Gives what conditions look at; asked once, and only where one is. None where there is nothing to look at.
        hours: Tells how good each hour of their day is; asked only by triggers that send at the best one.
        uplifts: What the message of each trigger that goes by uplift is likely to change, where a model tells.
        pending: Tells what else waits for its moment; asked only by triggers with caps that seek one.
    """

    unit: str
    at: int
    event_at: int
    scores: Mapping[str, float | None]
    last_fired: LastFired
    excluded: str | None = None
    standing: Standing | None = None
    look: Callable[[], View] | None = None
    hours: Callable[[], Hours] = prior_hours
    uplifts: Uplifts | None = None
    pending: Pending = nothing_pending
    _seen: View | None = None

    @property
    def view(self) -> View | None:
        """What conditions look at."""
        if self._seen is None and self.look is not None:
            self._seen = self.look()
        return self._seen


class Verdict(NamedTuple):
    """What one trigger decided for one user at one moment.

    Attributes:
        action: Send, withhold for comparison, or hold back.
        reason: Why.
        arm: Where the user was drawn to; None when something else decided before the draw.
        propensity: Probability of this action under the whole policy, in (0, 1]: the product of all draws.
        score: What was looked at: a probability, or what the message adds to it; None where there is none.
        threshold: What it was compared with.
        route: Where the message goes, or would; None where an event alone decided, without asking.
        channels: On which channels it does.
        due_at: When it is asked again, in microseconds; None where nothing was put off.
        draws: What chance had to say; None where nothing was left to it.
        by_uplift: Whether the score is what the message adds.
    """

    action: Action
    reason: Reason
    arm: str | None
    propensity: float
    score: float | None
    threshold: float
    route: Route | None = None
    channels: tuple[str, ...] = ()
    due_at: int | None = None
    draws: Draws | None = None
    by_uplift: bool = False

    @property
    def fired(self) -> bool:
        """Whether the trigger now cools down for this user; a withheld message counts like a sent one."""
        return self.reason in FIRED

    def held(self, reason: Reason) -> "Verdict":
        """Return the same held back after all; for what stands against either arm, so that both stay alike."""
        return Verdict(_HOLD, reason, None, 1.0, self.score, self.threshold, by_uplift=self.by_uplift)


_Measured = tuple[float | None, float]
"""What is compared, and what is needed of it."""


def decide(trigger: Trigger, facts: Facts, run: Run = AT_ONCE) -> Verdict:
    """Decide one trigger for one user at one moment.

    The first objection is the reason, in this order: excluded, stale or expired, exited, suppressed, no consent, no
    score, below the threshold, cooling down (not at later steps), condition not met, the wrong moment (bought
    recently, still browsing, capped, quiet hours; put off where there is a better one in time), dry run. Of several
    channels those without an objection are used; where none is left, that to the first counts. Where decisions below
    the threshold are explored, the threshold is asked last but for dry run: what is then below it was left to chance.
    The hold-out is asked last, so that both arms hold users of the same kind. A transactional message asks neither
    score nor hold-out, nor any guard but suppression. Where a trigger goes by uplift and a model tells it, that is
    asked in place of the score, and what is needed of it in place of the threshold. Takes a few microseconds.
    """
    plan = trigger.plans[run.step]
    added = None if trigger.uplift is None else _added(trigger, facts)
    score, threshold = measured = added or (facts.scores.get(trigger.horizon), plan.threshold)
    by_uplift = added is not None
    chosen = plan.choose(facts.view) if plan.branches else plan.route
    route, standing = chosen or plan.route, facts.standing or NOTHING_KNOWN
    free, barred = route.channels, None
    if trigger.asks_consent or standing.suppressed:
        free, barred = unbarred(route, trigger.guards, standing, trigger.message_class)
    held = _objection(trigger, facts, run, measured, None if free else barred)
    # Only now, since it may have to look through the log.
    if held is None and (chosen is None or not _is_met(plan.when, facts)):
        held = _CONDITION_NOT_MET
    if held is not None:
        return Verdict(_HOLD, held, None, 1.0, score, threshold, route, (), None, None, by_uplift)
    channels, hour = free if route.together else free[:1], None
    if trigger.minds_the_moment:
        asked = Asked(trigger.guards, standing, trigger.name, route, free, pending_beside(trigger, run, facts))
        channels, due_at, hour = _moment(trigger, asked, run, facts)
        if not channels:
            held = barred or objection_to(asked, facts.at) if due_at is None else _PUT_OFF
            drawn = None if hour is None else Draws(None, hour=hour)
            return Verdict(_HOLD, held, None, 1.0, score, threshold, route, (), due_at, drawn, by_uplift)
    if trigger.exploration is not None and score is not None and score < threshold:
        action, reason, arm, propensity, draws = _explore(trigger, facts)
    else:
        action, reason, arm, propensity, draws = _draw(trigger, facts)
    if hour is not None:
        draws = (draws or Draws(None))._replace(hour=hour)
    if not propensity > 0:
        raise AssertionError(f"trigger {trigger.name}: what has a probability of {propensity} was drawn")
    return Verdict(action, reason, arm, propensity, score, threshold, route, channels, None, draws, by_uplift)


_Drawn = tuple[Action, Reason, str | None, float, Draws | None]


def _draw(trigger: Trigger, facts: Facts) -> _Drawn:
    """Return action, reason, arm, propensity and draws where all speaks for sending: the hold-out is asked last."""
    if _is_rehearsal(trigger, facts):
        return _HOLD, _DRY_RUN, None, 1.0, None
    if trigger.message_class == TRANSACTIONAL:
        return _SEND, _SENT, None, 1.0, None
    arm, probability, of_everybody, is_out = trigger.place(facts.unit)
    sends = trigger.treated
    draws = Draws(sends, probability, None, of_everybody, is_out)
    if arm == CONTROL:
        return _CONTROL, Reason.CONTROL, arm, trigger.withheld, draws
    return _SEND, _SENT, arm, sends, draws


def _explore(trigger: Trigger, facts: Facts) -> _Drawn:
    """Return the same where all but the threshold speaks for sending: chance may overrule it, before the hold-out."""
    if trigger.exploration is None:
        raise AssertionError(f"trigger {trigger.name}: nothing is explored")
    outcome, chance = trigger.exploration.assign(decision_unit(facts.unit, facts.at))
    if outcome != EXPLORED:
        sends = 0.0 if _is_rehearsal(trigger, facts) else (1.0 - chance) * trigger.treated
        return _HOLD, _BELOW_THRESHOLD, None, chance, Draws(sends, explored=False)
    action, reason, arm, propensity, draws = _draw(trigger, facts)
    found = Draws(0.0) if draws is None else draws
    return action, reason, arm, chance * propensity, found._replace(send=chance * (found.send or 0.0), explored=True)


def _is_rehearsal(trigger: Trigger, facts: Facts) -> bool:
    # Whoever is excluded came this far only as a test user of a trigger for these.
    return not trigger.live and facts.excluded is None


def _objection(trigger: Trigger, facts: Facts, run: Run, measured: _Measured, barred: Reason | None) -> Reason | None:
    """Return the first reason, but for conditions and the moment, not to fire; None where there is none."""
    if facts.excluded is not None and not (trigger.rehearses and facts.excluded == TEST_USER):
        return Reason.EXCLUDED_USER
    if facts.at - facts.event_at > (trigger.expires_after_us if run.is_due else trigger.max_event_age_us):
        return Reason.EXPIRED if run.is_due else Reason.STALE_EVENT
    if run.step > 0 and trigger.exit_when is not None and _is_met(trigger.exit_when, facts):
        return Reason.EXITED
    if barred is not None:
        return barred
    if trigger.message_class != TRANSACTIONAL and (unlikely := _doubt(trigger, measured)):
        return unlikely
    if run.step == 0:
        fired_at = facts.last_fired.get(trigger.cools(run.key) if run.key else trigger.cool_down_key)
        if fired_at is not None and facts.at - fired_at < trigger.cool_down_us:
            return Reason.COOLING_DOWN
    return None


def _doubt(trigger: Trigger, measured: _Measured) -> Reason | None:
    """Return why the score does not speak for sending, or None; None, too, where that is left to chance."""
    score, threshold = measured
    if score is None or score != score:
        return _NO_SCORE
    return _BELOW_THRESHOLD if score < threshold and trigger.exploration is None else None


def _added(trigger: Trigger, facts: Facts) -> _Measured | None:
    """Return what the message adds, and how much it has to, where a model tells."""
    found = None if facts.uplifts is None else facts.uplifts.get(trigger.name)
    return None if found is None else (found.adds, needed(trigger.uplift, found))


def _is_met(when: Condition | None, facts: Facts) -> bool:
    return when is None or (facts.view is not None and when.holds(facts.view))


def pending_beside(trigger: Trigger, run: Run, facts: Facts) -> Sequence[Sent]:
    """Return what else is pending, where a trigger seeks a moment and has caps that are to leave room for it."""
    return facts.pending(trigger.name, run.key) if trigger.send_within_us and trigger.guards.caps else ()


def _moment(trigger: Trigger, asked: Asked, run: Run, facts: Facts) -> Moment:
    """Return when the message goes out."""
    at = facts.at
    if not trigger.send_within_us:
        return now_or_never(asked, at)
    # Who comes first keeps their place: what was put off since does not stand against it.
    if asked.pending and run.first_at is not None and (kept := now_or_never(asked._replace(pending=()), at)).channels:
        return kept
    until = (at if run.first_at is None else run.first_at) + trigger.send_within_us
    if trigger.seeks_an_hour and run.first_at is None:
        share = trigger.explored_hours.at(at)
        chance = hour_chance(trigger.name, share, facts.unit, at) if share else None
        hours = facts.hours() if trigger.send == "best_hour" else facts.hours().of_everybody()
        halved, in_one_day = trigger.half_life_us, trigger.keeps_the_day
        return at_best(asked, at, until, hours, half_life_us=halved, chance=chance, in_one_day=in_one_day)
    return soon(asked, at, until)
