"""Experiments as the ledger tells them: who was sent a message or withheld it, and what followed."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.moments import SECOND_US
from models.horizon import duration
from policy.assignment import EVERYBODY
from training.dataset import LATE
from training.experiment import CONTROL, Bools, Floats, NoExperiment, Units, Words, check_comparable
from training.intents import INTENT
from training.lineage import iso

STAGES = ("delivered", "opened", "clicked", "tapped")
GUARDED = ("unsubscribed", "complained")
SAME = 1e-9

# Whoever is excluded got messages as a test user only; what is transactional has no arm. What was explored is below the
# threshold, and tells of what the trigger does there; its experiment is about those above.
_DRAWN = f"""
SELECT d.trigger_decision_id AS decision, COALESCE(u.merged_into, u.user_no) AS person, d.trigger, d.at, d.arm,
       coalesce(d.arm_probability, d.propensity) AS propensity, {INTENT} AS score, d.horizon, d.channels, d.event_seq,
       d.step,
       json_extract(d.draws, '$.everybody') AS everybody,
       json_extract(d.draws, '$.everybody_probability') AS everybody_probability
FROM decisions d JOIN users u ON u.user_no = d.user_no LEFT JOIN evaluations e ON e.decision_id = d.decision_id
WHERE (d.action <> 'hold' OR d.arm IS NOT NULL) AND (d.arm IS NOT NULL OR d.draws IS NOT NULL) AND u.excluded IS NULL
    AND NOT coalesce(json_extract(d.draws, '$.explored'), 0)
ORDER BY d.at, d.trigger_decision_id
"""
_OUTCOMES = "SELECT trigger_decision_id AS decision, kind, value, occurred_at FROM outcomes"
_HANDED_OVER = "SELECT DISTINCT trigger_decision_id FROM outbox WHERE status = 'delivered'"
_SEGMENTS = """
SELECT c.segment, COALESCE(u.merged_into, u.user_no) AS person, c.at, c.entered
FROM segment_changes c JOIN users u ON u.user_no = c.user_no ORDER BY c.at, c.change_id
"""
# A table without rows, or a column without numbers, would have none of its own.
_DRAWN_TYPES = {
    **dict.fromkeys(("person", "at"), "int64"),
    **dict.fromkeys(("propensity", "score", "everybody_probability"), "float64"),
    "everybody": "object",
}
_OUTCOME_TYPES = {"value": "float64", "occurred_at": "int64"}
_SEGMENT_TYPES = {"person": "int64", "at": "int64", "entered": "float64"}
_UNTIL = "SELECT COALESCE(MAX(last_known_at), 0) FROM users"


class Ledger(NamedTuple):
    """What the ledger holds of experiments, as tables in the order of their moments.

    `learned` has, by family and decision, the learned segment of the person then.
    """

    drawn: pd.DataFrame
    outcomes: pd.DataFrame
    handed_over: frozenset[str]
    segments: pd.DataFrame
    until: int
    learned: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    @property
    def triggers(self) -> list[str]:
        """Return the triggers that drew anybody, in alphabetical order."""
        return sorted(self.drawn["trigger"].unique().tolist())


class Drawn(NamedTuple):
    """The units of one experiment.

    Attributes:
        units: Each once.
        shares: Of the arms as they were drawn; None where an arm has nobody.
        window: How long an order counted.
        since: From when on, in microseconds: later than the first draw where shares were changed on the way.
        before: Units left out since they were first drawn under other shares.
    """

    units: Units
    shares: tuple[float, ...] | None
    window: timedelta
    since: int
    before: int


def read_ledger(database: Path) -> Ledger:
    """Return what this SQLite database holds; it is only read, at one moment, while a server may go on."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        drawn, outcomes, segments = (
            pd.read_sql_query(query, connection).astype(types)
            for query, types in ((_DRAWN, _DRAWN_TYPES), (_OUTCOMES, _OUTCOME_TYPES), (_SEGMENTS, _SEGMENT_TYPES))
        )
        handed_over = frozenset(row[0] for row in connection.execute(_HANDED_OVER))
        until = int(connection.execute(_UNTIL).fetchone()[0])
    return Ledger(drawn, outcomes, handed_over, segments, until)


def drawn(
    ledger: Ledger, name: str, triggers: Sequence[str], *, window: timedelta | None = None, control: str = CONTROL
) -> Drawn:
    """Return who was drawn for an experiment: every person once, in the arm of the first draw.

    Args:
        ledger: What was decided.
        name: Of the experiment.
        triggers: Whose decisions belong to it.
        window: How long an order counts; the shortest horizon of the triggers if not said.
        control: The arm that all others are compared with.

    Raises:
        NoExperiment: Nobody was drawn, or all into one arm, the window is longer than orders are attributed, or the
            triggers hold out different shares.
    """
    rows = _of(ledger, name, triggers)
    if rows.empty:
        raise NoExperiment(f"{name}: nobody was sent a message or withheld one yet by {', '.join(triggers)}")
    longest = min(duration(each) for each in rows["horizon"].unique())
    if window is not None and window > longest:
        raise NoExperiment(f"{name}: a window of {window} is longer than orders are attributed: {longest}")
    counted = longest if window is None else window
    arms = (control, *sorted(set(rows["arm"]) - {control}))
    _refuse_several(rows, name)
    drawn_now, since = _shares(rows, arms)
    # One that nobody is drawn into any more is over.
    arms = tuple(each for each in arms if drawn_now is None or each == control or each in drawn_now)
    first = rows.drop_duplicates("person", keep="first")
    kept = first[first["at"] >= since].reset_index(drop=True)
    before = len(first) - len(kept)
    if before and control not in set(kept["arm"]):
        raise NoExperiment(
            f"{name}: nobody was drawn into {control} since the shares of the arms were changed on {iso(since)}, and "
            f"{before:,} users from before that were not drawn as those since: there is nobody to compare"
        )
    units = _units(ledger, rows, kept, arms, counted)
    check_comparable(units, name)
    shares = None if drawn_now is None else tuple(drawn_now[each] for each in arms)
    return Drawn(units, shares, counted, since, before)


def _of(ledger: Ledger, name: str, triggers: Sequence[str]) -> pd.DataFrame:
    """Return the decisions that belong to an experiment, with the arm that it drew.

    Whoever is held out of everything is in no other experiment: they get nothing of the other triggers either.
    """
    rows = ledger.drawn[ledger.drawn["trigger"].isin(list(triggers))]
    if name != EVERYBODY:
        return rows[(rows["everybody"] != CONTROL) & rows["arm"].notna()]
    rows = rows[rows["everybody"].notna()]
    return rows.assign(arm=rows["everybody"], propensity=rows["everybody_probability"])


def _refuse_several(rows: pd.DataFrame, name: str) -> None:
    """Refuse triggers that draw an arm with different shares at the same time (NoExperiment).

    One that has fired for the last time before shares were changed has the old ones, and is none of these.
    """
    for arm, mine in rows.groupby("arm"):
        parts = {str(each): part[["at", "propensity"]].to_numpy() for each, part in mine.groupby("trigger")}
        for one, other in combinations(parts.values(), 2):
            if _differs(one, other) and _differs(other, one):
                said = ", ".join(f"{each} {part[-1, 1]:.0%}" for each, part in parts.items())
                raise NoExperiment(
                    f"{name}: its triggers do not draw {arm} with the same share ({said}): report each alone"
                )


def _differs(one: Floats, other: Floats) -> bool:
    """Whether the last share of one, of (moment, share) in the order of moments, is not what the other had by then."""
    by_then = other[other[:, 0] <= one[-1, 0]]
    return bool(by_then.size and abs(by_then[-1, 1] - one[-1, 1]) > SAME)


def _shares(rows: pd.DataFrame, arms: Sequence[str]) -> tuple[dict[str, float] | None, int]:
    """Return the shares of the arms that are drawn now, None where they are not known, and since when (µs) they are."""
    since, shares = int(rows["at"].iloc[0]), {}
    for arm in arms:
        mine = rows[rows["arm"] == arm]
        if mine.empty:
            return None, since
        shares[arm] = float(mine["propensity"].iloc[-1])
        other = np.flatnonzero((mine["propensity"] - shares[arm]).abs().to_numpy() > SAME)
        if other.size:
            since = max(since, int(mine["at"].iloc[int(other[-1]) + 1]))
    seen = set(rows.loc[rows["at"] >= since, "arm"])
    for found in (shares, {arm: share for arm, share in shares.items() if arm in seen}):
        if abs(sum(found.values()) - 1.0) < SAME:
            return found, since
    return None, since


def _units(ledger: Ledger, rows: pd.DataFrame, first: pd.DataFrame, arms: tuple[str, ...], window: timedelta) -> Units:
    window_us, late_us = (round(each.total_seconds() * SECOND_US) for each in (window, LATE))
    at = first["at"].to_numpy(dtype=np.int64)
    followed = ledger.outcomes.merge(rows[["decision", "person", "at"]], on="decision")
    within = followed[followed["occurred_at"] - followed["at"] <= window_us]
    own = within[within["decision"].isin(first["decision"]) & (within["kind"] == "order")]
    ordered = own.groupby("decision")["value"].agg(["size", "count", "sum"]).reindex(first["decision"])
    orders = ordered["size"].fillna(0).to_numpy(dtype=np.float64)
    told = _of_messages(rows, first, window_us)
    answers = within[within["kind"] != "order"].assign(decision=within["decision"].map(told))
    reported = set(followed["kind"]) - {"order"}
    handed_over = told[told.index.isin(ledger.handed_over)]
    stages = {"handed over": first["decision"].isin(handed_over).to_numpy(dtype=np.bool_)}
    stages |= {kind: _happened(answers, kind, first["decision"]) for kind in STAGES if kind in reported}
    return Units(
        arms=arms,
        arm=np.array([arms.index(each) for each in first["arm"]], dtype=np.int64),
        at=at,
        matured_at=at + window_us + late_us,
        converted=orders > 0,
        measures={
            "orders": orders,
            "revenue": ordered["sum"].fillna(0).to_numpy(dtype=np.float64),
            "unpriced": (ordered["size"] - ordered["count"]).fillna(0).to_numpy(dtype=np.float64),
            **_per_decision(rows, within, first, ledger.until - window_us - late_us),
        },
        covariates={"score": first["score"].to_numpy(dtype=np.float64)},
        groups=_groups(ledger, first),
        stages=stages,
        # Where nobody reports what becomes of messages, silence is no proof that nobody complained.
        guardrails={kind: _happened(answers, kind, first["decision"]) for kind in GUARDED} if reported else {},
        conflicts=int((rows[rows["person"].isin(first["person"])].groupby("person")["arm"].nunique() > 1).sum()),
        until=ledger.until,
    )


def _of_messages(rows: pd.DataFrame, first: pd.DataFrame, window_us: int) -> "pd.Series[Any]":
    """Return for each decision the one with which its person entered, unless it came when their window was over.

    What came of any message of that time is told of the person: of later steps, and of what was put off and decided
    again.
    """
    entered = first.set_index("person")[["decision", "at"]]
    begun = rows["person"].map(entered["at"])
    mine = rows[rows["at"] - begun <= window_us]
    return mine["person"].map(entered["decision"]).set_axis(mine["decision"])


def _happened(answers: pd.DataFrame, kind: str, decisions: "pd.Series[Any]") -> Bools:
    return decisions.isin(answers.loc[answers["kind"] == kind, "decision"]).to_numpy(dtype=np.bool_)


def _per_decision(
    rows: pd.DataFrame, within: pd.DataFrame, first: pd.DataFrame, until: int
) -> dict[str, npt.NDArray[np.float64]]:
    """Return how many decisions, sent or withheld, each person has whose window is over, and orders after them.

    What was put off and decided again is one decision, made when it was put off: nothing else tells the arms apart.
    """
    once = rows.drop_duplicates(["person", "trigger", "event_seq", "step"], keep="first")
    over = once[(once["at"] <= until) & once["person"].isin(first["person"])]
    ordered = over["decision"].isin(within.loc[within["kind"] == "order", "decision"])
    found = pd.DataFrame({"person": over["person"], "decisions": 1.0, "ordered_decisions": ordered.astype(np.float64)})
    counted = found.groupby("person").sum().reindex(index=first["person"].to_numpy()).fillna(0.0)
    return {str(name): counted[name].to_numpy(dtype=np.float64) for name in counted}


def _groups(ledger: Ledger, first: pd.DataFrame) -> dict[str, Words]:
    found = {name: first[name].fillna("").to_numpy(dtype=np.str_) for name in ("trigger", "channels")}
    score = first["score"].to_numpy(dtype=np.float64)
    if np.isfinite(score).any():
        thirds = np.nanquantile(score, [1 / 3, 2 / 3])
        names = np.array(["lowest third", "middle third", "highest third", ""])
        found["intent"] = names[np.where(np.isnan(score), 3, np.searchsorted(thirds, score, side="right"))]
    for segment, changes in ledger.segments.groupby("segment"):
        found[f"segment {segment}"] = _members(changes, first)
    for family, by_decision in ledger.learned.items():
        found[f"learned {family}"] = np.array([by_decision.get(each, "") for each in first["decision"]], dtype=np.str_)
    # A group with one value splits nobody.
    return {name: words for name, words in found.items() if np.unique(words[words != ""]).size > 1}


def _members(changes: pd.DataFrame, first: pd.DataFrame) -> Words:
    """Return whether each person was in a segment when drawn, `in` or `out`, as the log of its changes has it."""
    joined = pd.merge_asof(first[["person", "at"]], changes[["person", "at", "entered"]], on="at", by="person")
    return np.where(joined["entered"].fillna(0).to_numpy(dtype=np.float64) > 0, "in", "out")
