"""Writing down what was evaluated and decided, in the transaction that logs the event.

Structs, because a named tuple takes ten times as long to make.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Connection

from serving.driver import Insert, driver


class EvaluationRow(Struct, frozen=True):
    """What was known and likely of a user at a moment; the columns of `evaluations`."""

    decision_id: str
    user_no: int
    seq: int
    at: int
    event_seq: int | None
    features: bytearray | None
    catalogue: str
    scores: str
    models: str
    answered_at: int
    raw_scores: str | None = None
    shadow: str | None = None


class DecisionRow(Struct):
    """What a trigger made of it; the columns of `decisions`, at the end those that are empty where it held for sure."""

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
    propensity: float
    model_version: str | None
    policy_version: str
    step: int = 0
    arm: str | None = None
    due_at: int | None = None
    channels: str | None = None
    findings: str | None = None
    arm_probability: float | None = None
    send_probability: float | None = None
    draws: str | None = None


_ONCE: Final = "ON CONFLICT (decision_id) DO NOTHING"
_EVALUATIONS: Final = Insert("evaluations", EvaluationRow.__struct_fields__, seldom=1, conflict=_ONCE)
_DECISIONS: Final = Insert("decisions", DecisionRow.__struct_fields__, seldom=7)


def write(connection: Connection, evaluations: Sequence[EvaluationRow], decisions: Sequence[DecisionRow]) -> None:
    """Append to the ledger."""
    if evaluations:
        _EVALUATIONS.write(driver(connection), map(astuple, evaluations))
    if decisions:
        _DECISIONS.write(driver(connection), map(astuple, decisions))
