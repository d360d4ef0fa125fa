"""The declared contract of every route: what OpenAPI documents, with examples that are checked.

The hot routes decode with the structs of `wire`; a test holds the two equal.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


def _rfc_3339(value: object) -> object:
    """Read a moment from text, and refuse the many other things that pydantic takes for one, such as a bare number."""
    if not isinstance(value, str):
        return value
    if not _RFC_3339.fullmatch(value):
        raise ValueError("must be a moment with its offset, such as 2026-03-02T17:04:05Z (RFC 3339)")
    return datetime.fromisoformat(value.upper())


_UNTRACKED = "Whether the user did not agree to be tracked, where that is required, and is scored as a stranger."
SEND_HOUR = (
    "The hour of the user's day, 0 to 23, that is the best of the 24 hours to come, each on its kind of day; null "
    "while no model says it."
)
SEND_AT = "When that hour is next, or the moment asked about if it is within it; null where their zone is not known."
CONFIDENCE = "How surely that hour beats the best one more than three hours away, 0 (a toss-up) to 1."
PERSONAL = "What part of it is from the user's own history, 0 to 1; the rest is from people like them."
Moment = Annotated[AwareDatetime, BeforeValidator(_rfc_3339)]
Id = Annotated[str, Field(max_length=256)] | int

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer <key>`"},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The key as user name, no password, as Segment SDKs do",
    },
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

EXAMPLE_EVENT: JsonDict = {
    "type": "track",
    "event": "Product Added",
    "messageId": "b7e6f2a0-6b0e-4b44-9d5e-0d2c8e1f6a11",
    "timestamp": "2026-03-02T17:04:05.120Z",
    "properties": {"cart_id": "c-1009", "product_id": "p-77", "price": 24.5, "quantity": 1},
}
_MODELS: JsonDict = {"24h": {"name": "opportune-intent-24h", "version": "3", "calibrated": True}}


class Declared(BaseModel):
    """What every declared body is: of exactly the types it says."""

    model_config = ConfigDict(strict=True)


class ScoreRequest(Declared):
    """Who is asked about, and what they just did, if anything.

    With the event's name alone as `event`, the whole body is the event: `{"user_id", "event", "timestamp", …}`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"user_id": "u-42"},
                {"user_id": "u-42", "explain": True},
                {"anonymous_id": "a-7f3c", "event": EXAMPLE_EVENT},
                {"user_id": "u-42", "event": "cart_abandonment", "timestamp": "2026-03-02T17:04:05Z"},
            ],
        },
    )

    user_id: Id | None = Field(default=None, description="The user; or else `anonymous_id`.")
    anonymous_id: Id | None = Field(default=None, description="The person before they are identified.")
    event: dict[str, Any] | str | None = Field(
        default=None,
        description="An event to take in first, durably: the score counts it, and triggers that wait for it decide.",
    )
    at: Moment | None = Field(
        default=None,
        description="Score as of this past moment. Needs the scope `admin`; not together with `event`.",
    )
    explain: bool = Field(default=False, description="Whether to add what moved the score most.")


class UserReference(Declared):
    """One user to score."""

    user_id: Id | None = None
    anonymous_id: Id | None = None


class ScoreBatchRequest(Declared):
    """Up to 1,000 users to score at one moment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"users": [{"user_id": "u-42"}, {"anonymous_id": "a-7f3c"}]}]},
    )

    users: list[UserReference] = Field(description="At most 1,000.")
    at: Moment | None = Field(default=None, description="As of this past moment; needs the scope `admin`.")
    explain: bool = False


class ModelUsed(Declared):
    """Which model gave the intent of one horizon, or the send hour."""

    name: str
    version: str
    calibrated: bool = Field(description="Whether the number is a probability; a rule's is only an order.")


class Contribution(Declared):
    """How far one feature moved the answer."""

    feature: str
    meaning: str
    value: float | None
    contribution: float = Field(description="In log-odds; positive speaks for a purchase.")


class DecisionMade(Declared):
    """What the policy said for one trigger."""

    decision_id: str
    trigger: str
    action: Literal["send", "control", "hold"]
    reason: str
    score: float | None = Field(
        description="The probability of a purchase within the horizon, or what the message adds to it, where the "
        "trigger goes by uplift."
    )
    threshold: float
    horizon: str
    message_id: str | None = Field(description="The message that goes out; null where none does.")
    objections: list[str] = Field(
        default=[], description="Which guards objected, by their field in the policy file; not there where none did."
    )
    due_at: Moment | None = Field(
        default=None, description="When it is decided again, where it was put off; else not there."
    )


class ScoreAnswer(Declared):
    """The intent of one user, and what was decided."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-42",
                    "anonymous_id": None,
                    "known": True,
                    "at": "2026-03-02T17:04:05.120000Z",
                    "intent": {"24h": 0.312},
                    "send_hour": 21,
                    "send_at": "2026-03-02T20:00:00Z",
                    "confidence": 0.83,
                    "personal": 0.91,
                    "models": _MODELS,
                    "policy_version": "5f0c9a1e77b2",
                    "decision_id": "d-01",
                    "duplicate": False,
                    "untracked": False,
                    "decisions": [
                        {
                            "decision_id": "d-01.cart-reminder",
                            "trigger": "cart-reminder",
                            "action": "send",
                            "reason": "sent",
                            "score": 0.312,
                            "threshold": 0.25,
                            "horizon": "24h",
                            "message_id": "m-01",
                        },
                    ],
                    "explain": None,
                },
            ],
        },
    )

    user_id: str | None
    anonymous_id: str | None
    known: bool = Field(description="False where nothing was known of the user; the score is then that of a stranger.")
    at: Moment = Field(description="The moment the features were read at.")
    intent: dict[str, float | None] = Field(description="Probability of an order within each horizon.")
    send_hour: int | None = Field(description=SEND_HOUR)
    send_at: Moment | None = Field(description=SEND_AT)
    confidence: float | None = Field(description=CONFIDENCE)
    personal: float | None = Field(description=PERSONAL)
    models: dict[str, ModelUsed]
    policy_version: str
    decision_id: str | None = Field(description="Under which the ledger keeps this; null where it was not logged.")
    duplicate: bool = Field(description="Whether the event had been taken in before, by its message id.")
    untracked: bool = Field(description=_UNTRACKED)
    decisions: list[DecisionMade]
    explain: dict[str, list[Contribution]] | None


class UserScore(Declared):
    """The scores of one user of a batch."""

    user_id: str | None
    anonymous_id: str | None
    known: bool
    untracked: bool = Field(description=_UNTRACKED)
    intent: dict[str, float | None]
    send_hour: int | None = Field(description=SEND_HOUR)
    send_at: Moment | None = Field(description=SEND_AT)
    confidence: float | None = Field(description=CONFIDENCE)
    personal: float | None = Field(description=PERSONAL)
    decision_id: str | None
    explain: dict[str, list[Contribution]] | None


class ScoreBatchAnswer(Declared):
    """The scores of a batch, in the order asked."""

    at: Moment
    models: dict[str, ModelUsed]
    policy_version: str
    scores: list[UserScore]
