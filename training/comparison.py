"""Two arms of an experiment compared, in the order in which a report must ask: may we, can we, is it better."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from features.moments import DAY_US
from training.experiment import CONTROL, ENOUGH_CONVERSIONS, Plan, Units, check_comparable
from training.guardrails import Guardrail, Standing, guardrails
from training.looks import Look, counted, looks, moments
from training.proportions import Belief, belief
from training.sample_ratio import SampleRatio, sample_ratio


class Ruling(StrEnum):
    """What to do."""

    SHIP = "ship"
    HARM = "stop for harm"
    CONTINUE = "continue"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


class Verdict(NamedTuple):
    """What to do, and why in one sentence.

    Attributes:
        ruling: The word.
        sentence: For whoever wrote the message.
        look: The look that said so; None where none did.
    """

    ruling: Ruling
    sentence: str
    look: Look | None


@dataclass(frozen=True)
class Comparison:
    """One treatment beside control.

    Attributes:
        arm: Name of the treatment.
        verdict: Of all that follows.
        ratio: Whether users landed in the arms as planned; None where nobody said how.
        looks: In order; the last is the present. Empty where nobody's window is over.
        belief: What is to be believed at the present; None likewise.
        guardrails: What must not become more frequent.
    """

    arm: str
    verdict: Verdict
    ratio: SampleRatio | None
    looks: tuple[Look, ...]
    belief: Belief | None
    guardrails: tuple[Guardrail, ...]

    @property
    def last(self) -> Look | None:
        """The last planned look, or None if it has not come."""
        return next((each for each in self.looks if each.is_last), None)


def ratio_of(units: Units, plan: Plan) -> SampleRatio | None:
    """Return whether the arms of all who were drawn have the planned sizes, asked on every day."""
    if plan.shares is None or not len(units):
        return None
    drawn = np.eye(len(units.arms), dtype=np.int64)[units.arm].cumsum(axis=0)
    if units.at is None:
        return sample_ratio(drawn[-1:], plan.shares)
    days = np.flatnonzero(np.diff(units.at // DAY_US))
    return sample_ratio(drawn[[*days.tolist(), len(units) - 1]], plan.shares)


def compare(units: Units, plan: Plan) -> list[Comparison]:
    """Compare every treatment with control, the error shared out evenly among them.

    Raises:
        NoExperiment: Only one arm has anybody in it.
    """
    check_comparable(units, plan.name)
    present = np.bincount(units.arm, minlength=len(units.arms))
    ratio = ratio_of(units, plan)
    treatments = [arm for arm in range(1, len(units.arms)) if present[arm]]
    return [_comparison(units, plan, arm, ratio, plan.alpha / len(treatments)) for arm in treatments]


def _comparison(units: Units, plan: Plan, arm: int, ratio: SampleRatio | None, alpha: float) -> Comparison:
    seen = looks_of(units, plan, arm, alpha=alpha)
    watched = guardrails(units.take(units.matured), arm, plan.margins)
    return Comparison(
        arm=units.arms[arm],
        verdict=judged(seen, ratio, watched, arm=units.arms[arm], base=units.arms[0]),
        ratio=ratio,
        looks=tuple(seen),
        belief=belief(seen[-1].control, seen[-1].treatment) if seen else None,
        guardrails=watched,
    )


def looks_of(units: Units, plan: Plan, arm: int, *, alpha: float) -> list[Look]:
    """Return every look at one treatment beside control; those at which neither had anybody are left out."""
    both = units.take((units.arm == 0) | (units.arm == arm))
    planned = max(1, round(plan.users * _share_of_pair(units, plan, arm)))
    # When to look follows from the two that are compared.
    when = moments(both, plan._replace(users=planned))
    counts = [counted(both, each, when.at) for each in (0, arm)]
    if not sum(int(each[0][-1]) if each[0].size else 0 for each in counts):
        return []
    at: list[int | None] = [None] if both.at is None else when.at.tolist()
    return looks(
        (counts[0][0], counts[1][0]),
        (counts[0][1], counts[1][1]),
        planned,
        at=at,
        alpha=alpha,
        planned_looks=None if both.at is None else when.due,
    )


def _share_of_pair(units: Units, plan: Plan, arm: int) -> float:
    if plan.shares is not None:
        return plan.shares[0] + plan.shares[arm]
    return float(np.mean((units.arm == 0) | (units.arm == arm)))


def judged(
    seen: list[Look], ratio: SampleRatio | None, watched: tuple[Guardrail, ...], *, arm: str, base: str = CONTROL
) -> Verdict:
    """Return the verdict, in the order of the design: sample ratio, enough events, primary metric, guardrails."""
    if ratio is not None and ratio.invalid:
        return Verdict(Ruling.INVALID, _invalid(ratio), None)
    if not seen:
        return Verdict(
            Ruling.CONTINUE, f"Continue: nobody's window is over yet, so nothing can be said of {arm}.", None
        )
    broken = next((each for each in watched if each.standing is Standing.BROKEN), None)
    if broken is not None:
        return Verdict(Ruling.HARM, f"Stop for harm: {broken.sentence}", None)
    decided = next((each for each in seen if each.is_better or each.is_worse), None)
    if decided is not None:
        return _decided(decided, seen, watched, arm)
    if any(each.is_last or each.past for each in seen) or (seen[-1].time >= 1.0 and seen[-1].at is None):
        return Verdict(Ruling.INCONCLUSIVE, _inconclusive(seen, arm, base), seen[-1])
    return Verdict(Ruling.CONTINUE, _continue(seen[-1]), None)


def _decided(look: Look, seen: list[Look], watched: tuple[Guardrail, ...], arm: str) -> Verdict:
    if look.is_worse:
        return Verdict(Ruling.HARM, f"Stop for harm: {_effect(look, arm)}", look)
    unknown = next((each for each in watched if each.standing is Standing.OPEN), None)
    if unknown is None:
        return Verdict(Ruling.SHIP, f"Ship {arm}: {_effect(look, arm)}", look)
    ended = any(each.is_last for each in seen)
    ruling = Ruling.INCONCLUSIVE if ended else Ruling.CONTINUE
    return Verdict(ruling, f"{ruling.capitalize()}: {_effect(look, arm)} But {unknown.sentence}", look)


def _effect(look: Look, arm: str) -> str:
    low, high = _ends(look)
    base, rate = look.control.rate or 0.0, look.treatment.rate or 0.0
    more = "more" if look.estimate > 0 else "fewer"
    return (
        f"of every 1,000 users {abs(look.estimate) * 1000:,.1f} {more} order with {arm} than without "
        f"({rate:.2%} instead of {base:.2%}; surely between {low * 1000:+,.1f} and {high * 1000:+,.1f})."
    )


def _ends(look: Look) -> tuple[float, float]:
    """Return the interval that decides at a look: that of planned looks, or past the plan that of all moments."""
    return (look.always_low, look.always_high) if look.low is None or look.high is None else (look.low, look.high)


def _invalid(ratio: SampleRatio) -> str:
    found, expected = (" : ".join(f"{each:,.0f}" for each in counts) for counts in (ratio.counts, ratio.expected))
    return (
        f"Invalid: the arms are not of the sizes they were drawn for ({found} instead of {expected}), so whatever "
        "differs between them may come from who is missing; find out why before reading on."
    )


def _inconclusive(seen: list[Look], arm: str, base: str) -> str:
    last = next((each for each in reversed(seen) if each.is_planned), seen[-1])
    if not last.has_enough:
        return (
            f"Inconclusive: the planned users are there, but an arm has fewer than {ENOUGH_CONVERSIONS} conversions "
            f"({last.control.conversions} and {last.treatment.conversions})."
        )
    low, high = _ends(last)
    return (
        f"Inconclusive: with all planned users there is no proof that {arm} is better or worse than {base}; "
        f"whatever it does to 1,000 users is between {1000 * low:+,.1f} and {1000 * high:+,.1f} orders."
    )


def _continue(look: Look) -> str:
    if not look.has_enough:
        found = f"there are {look.control.conversions} and {look.treatment.conversions}"
        return f"Continue: nothing is said before each arm has {ENOUGH_CONVERSIONS} conversions, and {found}."
    return f"Continue: {look.time:.0%} of the planned users are there, and nothing is proven yet."
