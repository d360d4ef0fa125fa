"""Writing down what was evaluated and decided, in the transaction that logs the event."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from serving.driver import driver

_EVALUATION = """
INSERT INTO evaluations (decision_id, user_no, seq, at, event_seq, features, catalogue, scores, models, answered_at,
    shadow, raw_scores)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (decision_id) DO NOTHING
"""
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, score,
    threshold, horizon, arm, propensity, model_version, policy_version, step, due_at, channels,
    findings, arm_probability, send_probability, draws)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class EvaluationRow(NamedTuple):
    """What was known and likely of a user at a moment; the columns of `evaluations`."""

    decision_id: str
    user_no: int
    seq: int
    at: int
    event_seq: int | None
    features: bytes | None
    catalogue: str
    scores: str
    models: str
    answered_at: int
    shadow: str | None = None
    raw_scores: str | None = None


class DecisionRow(NamedTuple):
    """What a trigger made of it; the columns of `decisions`."""

    trigger_decision_id: str
    decision_id: str
    user_no: int
    trigger: str
    at: int
    event_seq: int
    action: str
    reason: str
    score: float | None
    threshold: float | None
    horizon: str | None
    arm: str | None
    propensity: float
    model_version: str | None
    policy_version: str
    step: int = 0
    due_at: int | None = None
    channels: str | None = None
    findings: str | None = None
    arm_probability: float | None = None
    send_probability: float | None = None
    draws: str | None = None


def write(connection: Connection, evaluations: Sequence[EvaluationRow], decisions: Sequence[DecisionRow]) -> None:
    """Append to the ledger."""
    if evaluations:
        driver(connection).executemany(_EVALUATION, evaluations)
    if decisions:
        driver(connection).executemany(_DECISION, decisions)
