"""The ledger's decisions of each trigger as arrays, with what followed them in the log."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.catalog import CATALOGUE
from features.events import AMOUNT
from features.kinds import Kind
from models.horizon import duration
from training.dataset import Asked, Orders, Points, label, orders
from training.decisions import Bools, Decisions, Floats, Ints
from training.intents import BY_UPLIFT, INTENT
from training.log import Log, read_log

DECIDED = f"""
SELECT d.user_no, d.at, d.score, {INTENT}, d.threshold,
    coalesce(d.send_probability, CASE d.action WHEN 'send' THEN d.propensity ELSE 1.0 - d.propensity END), d.horizon,
    d.action = 'send', d.reason = 'below_threshold',
    EXISTS (SELECT 1 FROM outcomes o WHERE o.trigger_decision_id = d.trigger_decision_id
        AND o.kind IN ('unsubscribed', 'complained')),
    CASE WHEN e.catalogue = :catalogue THEN e.features END, d.policy_version,
    CASE WHEN {BY_UPLIFT} THEN d.model_version END
FROM decisions d JOIN users u ON u.user_no = d.user_no AND u.excluded IS NULL
LEFT JOIN evaluations e ON e.decision_id = d.decision_id
WHERE d.trigger = :trigger AND d.step = 0 AND {INTENT} IS NOT NULL
    AND d.reason IN ('sent', 'control', 'below_threshold')
ORDER BY d.at, d.trigger_decision_id
"""
TRIGGERS = """
SELECT DISTINCT trigger FROM decisions JOIN users USING (user_no)
WHERE score IS NOT NULL AND reason IN ('sent', 'control') AND step = 0 AND users.excluded IS NULL ORDER BY trigger
"""


@dataclass(frozen=True)
class TriggerLog:
    """What the ledger holds of one trigger.

    Attributes:
        trigger: Its name.
        decisions: Matured ones, in order of time, where nothing but the score and the draws decided.
        above: Which of them were at or above what was asked of them, of shape (n,): of the score, or of uplift.
        present: The threshold of the newest decision.
        horizon: Within which an order counts.
        immature: Decisions whose horizon is not over yet.
        explores: Whether something is sent below the threshold by chance. If so, decisions of when it was not are left
            out.
        held_for_sure: Decisions below the threshold that nothing could have sent.
        policy_version: Of the newest decision.
        by_uplift: Name and version of the model of uplift that the newest decision went by; None where it did not.
        by_arm: Whether the arms of its experiment ask for different scores, so that no one threshold is in force.
    """

    trigger: str
    decisions: Decisions
    above: Bools
    present: float
    horizon: str
    immature: int
    explores: bool
    held_for_sure: int
    policy_version: str
    by_uplift: str | None
    by_arm: bool = False


class Ledger:
    """The decisions of one home."""

    def __init__(self, database: Path) -> None:
        """Read the log of this SQLite database, which tells what followed."""
        self._database = database
        self.log: Log = read_log(database)
        self._orders: Orders = orders(self.log)

    @property
    def triggers(self) -> list[str]:
        """Return the names of all triggers that ever sent or withheld, in their order."""
        with closing(self._connection()) as connection:
            return [str(row[0]) for row in connection.execute(TRIGGERS)]

    @property
    def mean_order(self) -> float | None:
        """Return the mean amount of an order, in the shop's currency; None where none has one."""
        amounts = self.log.arrays.records[self.log.kinds == Kind.ORDER_COMPLETED, AMOUNT]
        known = amounts[~np.isnan(amounts)]
        return float(known.mean()) if known.size else None

    def of(self, trigger: str) -> TriggerLog:
        """Return the decisions of a trigger.

        Raises:
            LookupError: There are none.
        """
        with closing(self._connection()) as connection:
            rows = connection.execute(DECIDED, {"trigger": trigger, "catalogue": CATALOGUE.fingerprint}).fetchall()
        # Whoever came since the log was read is passed by.
        known = set(self.log.user_nos.tolist())
        rows = [each for each in rows if each[0] in known]
        if not rows:
            raise LookupError(f"no decision of a trigger {trigger!r} by its score is in the ledger")
        user_no, at, asked, intent, threshold, chances, horizons, sent, below, left, packed, policies, by_uplift = zip(
            *rows, strict=True
        )
        moments, whose = np.array(at, dtype=np.int64), np.searchsorted(self.log.user_nos, np.array(user_no))
        horizon, acted = str(horizons[-1]), np.array(sent, dtype=np.bool_)
        chance = np.array(chances, dtype=np.float64)
        ordered, matured = self._followed(whose, moments, horizon)
        held = np.array(below, dtype=np.bool_)
        sure = held & (chance <= 0)
        limits = np.array(threshold, dtype=np.float64)
        above = np.array(asked, dtype=np.float64) >= limits
        era, explores = _era(moments, ~above & (chance > 0), sure)
        used = matured & era
        of_score = np.array([each is None for each in by_uplift])
        in_force = limits[(np.array(policies) == policies[-1]) & of_score]
        score = np.array(intent, dtype=np.float64)
        found = Decisions(self._orders.person[whose], score, features_of(packed), acted, chance, ordered,
                          np.array(left, dtype=np.bool_))  # fmt: skip
        return TriggerLog(
            trigger=trigger,
            decisions=found.where(used),
            above=above[used],
            present=float(limits[-1]),
            horizon=horizon,
            immature=int((~matured).sum()),
            explores=explores,
            held_for_sure=int((sure & used).sum()),
            policy_version=str(policies[-1]),
            by_uplift=by_uplift[-1],
            by_arm=by_uplift[-1] is None and bool(np.ptp(in_force) > 0),
        )

    def _followed(self, users: Ints, at: Ints, horizon: str) -> tuple[Bools, Bools]:
        """Return whether an order came within the horizon, and whether that is over.

        Of whoever was held nothing is attributed in the ledger, so all are told by the log alike.
        """
        points = Points(users, at, np.full(users.size, Asked.EVENT, dtype=np.int64))
        found = label(self._orders, points, duration(horizon), end_us=self.log.span[1])
        return found.ordered, found.matured

    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._database.absolute().as_uri()}?mode=ro", uri=True)


def _era(at: Ints, explored: Bools, sure: Bools) -> tuple[Bools, bool]:
    """Return which decisions count, and whether there is exploration; what was before and after it says nothing below.

    Where somebody switched it off and on again, the newest stretch counts.
    """
    if not explored.any():
        return np.ones(at.size, dtype=np.bool_), False
    last = int(np.flatnonzero(explored)[-1])
    before, after = np.flatnonzero(sure[:last]), last + np.flatnonzero(sure[last:])
    first = int(np.flatnonzero(explored & (np.arange(at.size) > (before[-1] if before.size else -1)))[0])
    end = int(at[after[0]]) if after.size else int(at[-1]) + 1
    return (at >= at[first]) & (at < end), True


def features_of(packed: tuple[bytes | None, ...]) -> Floats:
    """Return the features as they were scored, of shape (n, features); NaN where they are not kept or mean others."""
    nothing = np.full(CATALOGUE.n_features, np.nan).tobytes()
    return np.frombuffer(b"".join(each or nothing for each in packed)).reshape(-1, CATALOGUE.n_features)
