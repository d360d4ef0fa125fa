"""The training frame: decision points, the features serving would have had there, and the orders to label them by."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from features.moments import DAY_US
from training.baselines import RULE_DAYS
from training.dataset import Orders, Points, decision_points, how_many, label, orders
from training.exposure import CARRY_OVER, NOTHING_SENT, Influenced, Messages, influence
from training.fit import Rows
from training.learning import enough
from training.log import Floats, Ints, Log
from training.offline import asked, historical_features, write_states
from training.pauses import NO_PAUSES, Pauses, pauses
from training.windows import TooLittleHistory, Windows, microseconds, split, warm_up


@dataclass(frozen=True)
class Frame:
    """One set of points and features for every horizon; only the labels differ.

    Attributes:
        log: Where all comes from.
        points: Decision points in the order of their moments.
        features: Of shape (points, features of the catalogue), as Feast joins them.
        orders: Of everybody.
        start_us: The first moment of the points.
        end_us: The last moment that the log knows.
        messages: What was sent and withheld; None where nobody asked.
        carry_over: How long a message goes on changing what people do.
        still: When nothing was written down.
    """

    log: Log
    points: Points
    features: Floats
    orders: Orders
    start_us: int
    end_us: int
    messages: Messages | None = None
    carry_over: timedelta = CARRY_OVER
    still: Pauses = NO_PAUSES


@dataclass(frozen=True)
class Matured:
    """The rows of a frame whose horizon was over when the log ended or paused, and whose outcome no message changed.

    Attributes:
        rows: Features and what followed.
        windows: Where to learn and judge.
        recent_orders: Of each row, orders in the seven days before.
        messages: What messages made of the rows.
        points: Whose rows they are, when and why.
    """

    rows: Rows
    windows: Windows
    recent_orders: Ints
    messages: Influenced
    points: Points


def build(
    log: Log,
    horizons: Sequence[timedelta],
    directory: Path,
    messages: Callable[[Orders], Messages] | None = None,
    carry_over: timedelta = CARRY_OVER,
) -> Frame:
    """Return the frame of a log; intermediate files go below `directory` and are removed.

    Args:
        log: All that is known.
        horizons: Of the predictions.
        directory: For files in between.
        messages: Reads what was sent and withheld, once it is known who is one person with whom.
        carry_over: How long a message goes on changing what people do.

    Raises:
        TooLittleHistory: There are no orders, or nothing is long enough ago to know what followed.
    """
    bought = orders(log)
    first, last = log.span
    still = pauses(log.arrays.known_at, first, last)
    warm = warm_up(still.left_out(last) - first, list(horizons))
    start = still.put_back(first + warm, after=True)
    end = last - microseconds(min(horizons))
    if end <= start or not bought.at.size:
        found = f"{bought.at.size} orders in {(last - first) / DAY_US:.1f} days"
        raise TooLittleHistory(f"too few purchases to learn from: {found}")
    points = decision_points(log, start_us=start, end_us=end, count=how_many(len(log.arrays)))
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        path = write_states(log, points.user, points.at, Path(scratch))
        features = historical_features(path, asked(log, points.user, points.at))
    sent = None if messages is None else messages(bought)
    return Frame(log, points, features, bought, start, last, sent, carry_over, still)


def matured(frame: Frame, horizon: timedelta) -> Matured:
    """Return the rows of one horizon that can be learned from.

    Raises:
        TooLittleHistory: The log is too short for the horizon, or has too few purchases.
    """
    windows = split(frame.start_us, frame.end_us, horizon, first_us=frame.log.span[0], still=frame.still)
    points = frame.points
    labels = label(frame.orders, points, horizon, end_us=frame.end_us)
    # What nobody wrote down is no "no".
    seen = labels.matured & ~frame.still.hide(points.at, microseconds(horizon))
    found, told = seen, NOTHING_SENT
    weight = None
    if frame.messages is not None and len(frame.messages):
        changed = influence(frame.messages, frame.orders, points, labels.next_order, horizon, frame.carry_over)
        told = changed.of(seen).told()
        found = seen & changed.kept
        weight = changed.weight[found] if told.weighted else None
    person = frame.orders.person[points.user[found]]
    enough(labels.ordered[found], person, labels.next_order[found])
    recent = frame.orders.count(points.user, points.at - RULE_DAYS * DAY_US, points.at)
    rows = Rows(frame.features[found], labels.ordered[found], person, points.at[found], weight)
    return Matured(rows=rows, windows=windows, recent_orders=recent[found], messages=told, points=points.where(found))
