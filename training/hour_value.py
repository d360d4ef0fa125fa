"""How often messages would be answered at the hours of a rule, from messages whose hour was drawn by chance.

A message tells of a rule if it went out at the hour that the rule would have taken, and stands for as many as its hour
was improbable (self-normalised importance weighting: Swaminathan and Joachims 2015). The doubly robust estimate adds
what a model of answers says of all the others (Dudík, Langford and Li 2011).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.circle import HOURS
from models.response import LEAST_SENDS
from training.evaluate import by_user
from training.log import Floats, Ints
from training.off_policy import effective_size
from training.send_response import Sends

LEAST_EFFECTIVE: Final = 200.0
"""With fewer messages that a rule can be told by there is no answer: intervals would hold the truth too rarely."""
TWO_SIDED_95: Final = 1.959963984540054


@dataclass(frozen=True)
class HourValue:
    """What share of messages would be answered at the hours of a rule, with 95 % intervals by person.

    Attributes:
        rule: Whose hours.
        effective: How many messages at these hours the log is worth.
        self_normalised: Estimate, and both ends of its interval.
        doubly_robust: The same.
        usual: Share of all these messages that were answered, at the hours at which they went out.
    """

    rule: str
    effective: float
    self_normalised: tuple[float, float, float]
    doubly_robust: tuple[float, float, float]
    usual: float


def hour_values(sends: Sends, rules: Mapping[str, Floats]) -> tuple[HourValue, ...]:
    """Return the value of the best hours by each rule's scores, of shape (n, 24); rules with too few to tell have none.

    The best of those at which a message could go out: quiet hours and its end leave some of a day. Left out are
    messages whose hour's probability is not known, and hours at which hardly any of the others went out.
    """
    drawn = np.isfinite(sends.chance) & (sends.chance > 0.0)
    if not drawn.any():
        return ()
    used = np.bincount(sends.hour[drawn], minlength=HOURS) >= LEAST_SENDS
    allowed = np.ones((len(sends), HOURS), dtype=np.bool_) if sends.eligible is None else sends.eligible
    allowed = allowed & used
    drawn &= allowed.any(axis=1)
    part, free = sends.where(drawn), allowed[drawn]
    found = (
        hour_value(part, np.where(free, scores[drawn], 0.0).argmax(axis=1), scores[drawn], name)
        for name, scores in rules.items()
    )
    return tuple(each for each in found if each.effective >= LEAST_EFFECTIVE)


def hour_value(sends: Sends, hour: Ints, expected: Floats, rule: str = "") -> HourValue:
    """Return what messages would be answered at these hours.

    Args:
        sends: Messages whose hour was drawn, with its probability.
        hour: At which a rule would have sent each, of shape (n,).
        expected: How likely each would be answered at each hour, of shape (n, 24), by what these did not teach.
        rule: What it is called.
    """
    own, answered = np.arange(len(sends)), sends.answered.astype(np.float64)
    weights = np.where(sends.hour == hour, 1.0 / sends.chance, 0.0)
    total = weights.sum()
    normalised = float(weights @ answered / total) if total else float("nan")
    guess = expected[own, sends.hour]
    robust = expected[own, hour] + weights * (answered - guess)
    return HourValue(
        rule=rule,
        effective=effective_size(weights),
        # Of a ratio of sums: each message's part of the numerator less the ratio times its part of the denominator.
        self_normalised=_around(normalised, weights * (answered - normalised), total, sends.user),
        doubly_robust=_around(float(robust.mean()), robust - robust.mean(), float(len(sends)), sends.user),
        usual=float(answered.mean()),
    )


def _around(estimate: float, parts: Floats, total: float, user: Ints) -> tuple[float, float, float]:
    """Return an estimate with its interval, from what each message adds to it; those of one person go together."""
    spread = float(np.sqrt(np.square(by_user(parts[:, None], user)).sum())) / total if total else float("nan")
    return estimate, estimate - TWO_SIDED_95 * spread, estimate + TWO_SIDED_95 * spread
