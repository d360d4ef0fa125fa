"""From the visits of a made-up shop to a model in service and thresholds, by the code that learns in a real one."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np

from features.catalog import CATALOGUE
from features.moments import DAY_US
from training.baselines import RULE_DAYS
from training.dataset import MOST_POINTS, Orders, Points, label
from training.decisions import Decisions, Floats, Ints, Prices
from training.fit import Rows
from training.gate import Judged, Verdict, decide
from training.learning import Learned, enough, learn
from training.loop_life import Visits
from training.loop_policy import Scorer
from training.off_policy import Unanswerable
from training.segments import segments
from training.thresholds import Curve, curve
from training.windows import TooLittleHistory, microseconds, split
from training.world_days import Happenings

HORIZON = timedelta(days=2)
"""A message works for two days, so orders within two days are its outcome."""
LEAST_CHANCE = 1e-9
UNREACHED = 1.5
"""A threshold that no probability reaches."""


def orders_of(ordered: list[Happenings], users: int) -> Orders:
    """Return the orders so far as training looks for them."""
    user, at = (np.concatenate([getattr(each, name) for each in ordered]) for name in ("user", "at"))
    order = np.lexsort((at, user))
    return Orders(np.arange(users), np.searchsorted(user[order], np.arange(users + 1)), at[order])


def stands_for(visits: Visits, horizon: timedelta) -> Floats:
    """Return for how many decisions each one stands whose outcome no message changed, of shape (n,).

    0 where a message was sent to the person at the decision, or within the horizon before or after it: so long messages
    work. Else one divided by the chance that all of those decisions were held, so that what remains is as it would be
    without messages.
    """
    order = np.lexsort((visits.at, visits.user))
    user, at = visits.user[order], visits.at[order]
    # What was sent leaves nothing to learn from, whatever else was held.
    held = np.where(visits.sent[order], 0.0, 1.0 / np.maximum(1.0 - visits.chance[order], LEAST_CHANCE))
    found, width = held.copy(), microseconds(horizon)
    for apart in range(1, len(visits)):
        near = np.flatnonzero((user[apart:] == user[:-apart]) & (at[apart:] <= at[:-apart] + width))
        if not near.size:
            break
        found[near] *= held[near + apart]
        found[near + apart] *= held[near]
    back = np.empty_like(found)
    back[order] = found
    return back


class Material(NamedTuple):
    """What can be learned from at some moment.

    Attributes:
        rows: Matured visits that no message changed, in order of time, each as often as it stands for.
        recent_orders: Of each, orders in the seven days before.
        next_order: Of each, the moment of the first order after it.
    """

    rows: Rows
    recent_orders: Ints
    next_order: Ints


def material(visits: Visits, orders: Orders, end_us: int, *, seed: int) -> Material:
    """Return what has matured by a moment (µs), of many rows as many as usual; fractions of a row fall by chance."""
    points = Points(visits.user, visits.at, np.zeros(len(visits), dtype=np.int64))
    labels = label(orders, points, HORIZON, end_us=end_us)
    many = stands_for(visits, HORIZON) * labels.matured
    many *= min(1.0, MOST_POINTS / max(many.sum(), 1.0))
    times = np.floor(many + np.random.default_rng([seed, 81]).random(many.size)).astype(np.int64)
    order = np.argsort(visits.at, kind="stable")
    chosen = np.repeat(order, times[order])
    user, at = visits.user[chosen], visits.at[chosen]
    recent = orders.count(user, at - RULE_DAYS * DAY_US, at)
    rows = Rows(visits.features[chosen], labels.ordered[chosen], user, at)
    return Material(rows, recent, labels.next_order[chosen])


def retrained(found: Material, champion: Scorer | None, since_us: int, *, seed: int) -> tuple[Scorer | None, Verdict]:
    """Return who is in service from now on, and what the gate said of the challenger.

    Args:
        found: What there is to learn from.
        champion: Who is in service.
        since_us: Up to when the champion learned.
        seed: Of the fit.
    """
    rows = found.rows
    try:
        enough(rows.ordered, rows.user, found.next_order)
        windows = split(int(rows.at[0]), int(rows.at[-1]) + microseconds(HORIZON), HORIZON)
        learned = learn(rows, windows, found.recent_orders, CATALOGUE, seed=seed)
    except TooLittleHistory as reason:
        return champion, Verdict(False, str(reason))
    columns = tuple(CATALOGUE.names.index(each) for each in learned.features)
    challenger = Scorer(1 if champion is None else champion.version + 1, learned.booster, columns, learned.calibrator)
    verdict = _judged(learned, champion, since_us)
    return (challenger if verdict.promoted else champion), verdict


def _judged(learned: Learned, champion: Scorer | None, since_us: int) -> Verdict:
    """Ask the gate, each row once: what stands for ten tells no more than one."""
    judged = learned.judged
    _, first = np.unique(np.column_stack([judged.rows.at, judged.rows.user]), axis=0, return_index=True)
    first = first[judged.rows.at[first] > since_us]
    if not first.size:
        return Verdict(False, "nothing new to judge by")
    features = judged.rows.features[first]
    return decide(
        Judged(
            challenger=judged.predicted[first],
            champion=None if champion is None else champion.predict(features),
            references={"logistic regression": judged.logistic[first]},
            ordered=judged.rows.ordered[first],
            user=judged.rows.user[first],
            segments=segments(features, CATALOGUE),
        ),
        same_features=True,
    )


def decisions(visits: Visits, orders: Orders, end_us: int) -> Decisions:
    """Return matured decisions that had a score as policy value looks at them."""
    points = Points(visits.user, visits.at, np.zeros(len(visits), dtype=np.int64))
    labels = label(orders, points, HORIZON, end_us=end_us)
    found = Decisions(
        visits.user, visits.score, visits.features, visits.sent, visits.chance, labels.ordered, visits.unsubscribed
    )
    return found.where(labels.matured & ~np.isnan(visits.score))


def chosen(log: Decisions, prices: Prices, present: float, *, seed: int) -> Curve | str:
    """Return what each threshold of a trigger would have earned, or why nothing can be said."""
    try:
        return curve(log, prices, min(present, UNREACHED), seed=seed)
    except Unanswerable as refused:
        return str(refused)
