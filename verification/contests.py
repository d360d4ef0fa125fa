"""Challengers whose true distance to the champion is planted, before the gate: how often it lets them through."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

import numpy as np
from scipy.optimize import brentq

from models.calibration import sigmoid
from training.evaluate import ONE_SIDED_95, losses, upper_bound
from training.gate import Judged, decide
from verification.bars import Bar
from verification.shoppers import Floats, Moments, several_each

ROWS, PEOPLE, ROWS_EACH = 8_000, 2_600, 3.4
"""As many rows as are asked, of people as often each as on Complete Journey; the last of them are cut off."""
OWN, WITHIN_PERSON = 0.156, 0.35
"""How far a model's log-odds are from the best there is by its own training set: the standard deviation, and how much
of that is the same in all rows of a person. Measured on Complete Journey, where two refits to households drawn anew
differ by .22 in all, and so either by .22 / √2 from what both would be with all households there are."""
WORSE, EQUAL, BETTER = "0.9 % worse", "equal", "0.9 % better"
PLANTED: Final = {WORSE: 0.009, EQUAL: 0.0, BETTER: -0.009}
"""How much higher the challenger's expected log-loss is, as a share of the champion's."""
LOGISTIC = 0.01
"""How much worse than the champion the logistic regression is, there and here."""
REFUSED, PROMOTED, REFRESHED, ERROR = 0.85, 0.6, 0.8, 0.05
"""What is promised: of worse, of better and of equal models, the last as refresh and as improvement."""
MOST_TIMES = 100.0


class Said(NamedTuple):
    """What the gate said of one challenger.

    Attributes:
        refresh: It was promoted as a scheduled refresh.
        improvement: It was promoted as a changed model.
        broken: The first rule that refused the refresh; None where none did.
        error: The standard error of the log-loss difference, as a share of the champion's log-loss.
        correlation: Of the two models' losses.
        positives: How many orders there were.
    """

    refresh: bool
    improvement: bool
    broken: str | None
    error: float
    correlation: float
    positives: int


def contest(planted: float, seed: int) -> Judged:
    """Return a champion and a challenger whose expected log-loss on these rows is exactly so much higher, as a share.

    Args:
        planted: Above 0 the challenger is worse. Whichever model is too good is moved away from the best there is.
        seed: Of the people, of what the models learned amiss, and of what people did.
    """
    random = np.random.default_rng(seed)
    at = several_each(PEOPLE, ROWS_EACH, ROWS, random)
    challenger, champion, logistic = (_own(at, random) for _ in range(3))
    allowed = at.loss(at.knowable + champion) * (1.0 + planted)
    if at.loss(at.knowable + challenger) < allowed:
        challenger = _moved(at, challenger, allowed)
    else:
        champion = _moved(at, champion, at.loss(at.knowable + challenger) / (1.0 + planted))
    logistic = _moved(at, logistic, at.loss(at.knowable + champion) * (1.0 + LOGISTIC))
    third = np.digitize(at.features[:, 0], [-0.43, 0.43])
    return Judged(
        challenger=sigmoid(at.knowable + challenger),
        champion=sigmoid(at.knowable + champion),
        references={"logistic regression": sigmoid(at.knowable + logistic)},
        ordered=at.rows(random).ordered,
        user=at.user,
        segments={f"people of the {name} third": third == i for i, name in enumerate(("least", "middle", "most"))},
    )


def _own(at: Moments, random: np.random.Generator) -> Floats:
    """Return what a model says amiss, in log-odds: part of it alike in all rows of a person."""
    person = random.normal(size=int(at.user.max()) + 1)[at.user]
    row = random.normal(size=at.user.size)
    return np.asarray(OWN * (np.sqrt(WITHIN_PERSON) * person + np.sqrt(1.0 - WITHIN_PERSON) * row))


def _moved(at: Moments, amiss: Floats, loss: float) -> Floats:
    """Return the same error so much larger that the expected log-loss is as asked."""
    times = brentq(lambda each: at.loss(at.knowable + each * amiss) - loss, 1.0, MOST_TIMES, xtol=1e-9)
    return np.asarray(times * amiss)


def said(planted: float, seed: int) -> Said:
    """Return what the gate says of one challenger."""
    judged = contest(planted, seed)
    verdict = decide(judged, same_features=True)
    improvement = decide(judged, same_features=False).promoted
    broken = next((each.name for each in verdict.rules if not each.holds), None)
    return Said(verdict.promoted, improvement, broken, *_measured(judged), int(judged.ordered.sum()))


def _measured(judged: Judged) -> tuple[float, float]:
    champion = cast("Floats", judged.champion)
    one, other = losses(judged.challenger, judged.ordered), losses(champion, judged.ordered)
    mean = float(np.mean(one - other))
    error = (upper_bound(one - other, judged.user) - mean) / ONE_SIDED_95
    return error / float(other.mean()), float(np.corrcoef(one, other)[0, 1])


def bars(found: Mapping[str, Sequence[Said]]) -> Iterator[Bar]:
    """Yield the promises of the gate, of challengers by what was planted."""
    runs = {name: len(its) for name, its in found.items()}
    for kind, field in (("a refresh", "refresh"), ("an improvement", "improvement")):
        promoted = {name: sum(getattr(each, field) for each in its) for name, its in found.items()}
        refused = runs[WORSE] - promoted[WORSE]
        yield Bar(f"{WORSE}: refused as {kind}", refused, runs[WORSE], REFUSED, "least")
        yield Bar(f"{BETTER}: promoted as {kind}", promoted[BETTER], runs[BETTER], PROMOTED, "least")
        if field == "refresh":
            yield Bar(f"{EQUAL}: promoted as {kind}", promoted[EQUAL], runs[EQUAL], REFRESHED, "least")
        else:
            yield Bar(f"{EQUAL}: promoted as {kind}", promoted[EQUAL], runs[EQUAL], ERROR, "most")
