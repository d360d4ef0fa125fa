"""The declared contract of the routes that only read, and of every answer that is not a success."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from serving.contract import CONFIDENCE, PERSONAL, SEND_AT, SEND_HOUR, Declared, ModelUsed


class Feature(Declared):
    """One feature of a user."""

    name: str
    value: float | None = Field(description="null where there is nothing to compute it from yet.")
    meaning: str


class FeaturesAnswer(Declared):
    """What is known of a user at a moment: the numbers the models see."""

    user_id: str
    at: AwareDatetime
    catalogue: str = Field(description="Fingerprint of the definitions.")
    features: list[Feature]
    segments: dict[str, str] = Field(
        description="The learned segments of the user by family, `rfm` and `clusters`; empty while none were learned."
    )


class GuardAsked(Declared):
    """What one guard, or one other question of a decision, said of a message."""

    guard: str = Field(
        description="Its field in the policy file (`cap`, `quiet_hours`, `threshold`, `uplift`, …), or what else it is "
        "about: `exclusion`, `age`, `suppression`, `best_hour`, `pending`, `policy`, `moment`."
    )
    channel: str | None = Field(description="On which channel; null where that makes no difference.")
    verdict: Literal["passed", "objected"]
    reason: str | None = Field(description="Why it objected, as a word; null where it passed.")
    in_words: str


class HourScore(Declared):
    """One hour of a user's day."""

    hour: int = Field(description="0 to 23: on the clock of the user's zone; on that of UTC where it is not known.")
    score: float = Field(
        description="How likely it is the hour at which they are there, the 24 sum to one; where the model learned "
        "from sends, how likely they answer within a day to a message sent then. On any day."
    )
    working_day: float = Field(
        description="The same from Monday to Friday; as on any day where the model knows no more."
    )
    weekend: float = Field(
        description="The same on Saturdays and Sundays; as on any day where the model knows no more."
    )


class SendHourAnswer(Declared):
    """At which hours of their day a user is there, or answers, as learned. Nulls while no model says it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-42",
                    "at": "2026-03-02T17:04:05.120000Z",
                    "timezone": "Europe/Berlin",
                    "model": {"name": "opportune-send-hour", "version": "3", "calibrated": True},
                    "send_hour": 21,
                    "send_at": "2026-03-02T20:00:00Z",
                    "confidence": 0.83,
                    "personal": 0.91,
                    "hours": [
                        {"hour": hour, "score": score, "working_day": score, "weekend": score}
                        for hour, score in ((each, 0.31 if each == 21 else 0.03) for each in range(24))
                    ],
                },
            ],
        },
    )

    user_id: str
    at: AwareDatetime
    timezone: str | None = Field(description="IANA name; null where it is not known: the hours are then those of UTC.")
    model: ModelUsed | None
    send_hour: int | None = Field(description=SEND_HOUR)
    send_at: AwareDatetime | None = Field(description=SEND_AT)
    confidence: float | None = Field(description=CONFIDENCE)
    personal: float | None = Field(description=PERSONAL)
    hours: list[HourScore] | None = Field(description="From midnight on.")


class MessageExplained(Declared):
    """What became of a message."""

    message_id: str
    channel: str | None = Field(description="null for messages of an earlier version.")
    endpoint: str
    status: Literal["pending", "delivered", "dead", "withdrawn"] = Field(
        description=(
            "`dead`: all attempts failed, or the receiver is gone; `withdrawn`: something came to stand against it "
            "before it went out."
        )
    )
    reason: str | None = Field(description="Why it was withdrawn or put off, as a word; else null.")
    in_words: str
    guards: list[GuardAsked] = Field(
        description="What each guard said in the instant of dispatch, where one took the message back or put it off; "
        "else empty, and where it went out none objected."
    )
    attempts: int
    next_attempt_at: AwareDatetime | None = Field(description="Not before this moment; null unless it waits.")
    delivered_at: AwareDatetime | None


class DrawsExplained(Declared):
    """What was drawn for a decision, and for whom."""

    unit: str = Field(description="What was drawn: the earliest id of the person at that moment.")
    experiment: str
    salt: str = Field(description="By which name units are drawn into the arms.")
    timezone: str | None = Field(description="Where the person was then, IANA name; null where it was not known.")
    local_hour: int | None = Field(description="The hour of their day; null where their zone was not known.")
    explored: bool | None = Field(
        description="Whether it was drawn to fire below the threshold all the same; null where this was not drawn."
    )
    everybody: str | None = Field(
        description="`control` for whoever is held out of everything, else `treatment`; null where nobody is."
    )
    everybody_probability: float | None = Field(description="How likely that was; null likewise.")
    hour_probability: float | None = Field(
        description="Of the hour at which the message goes out, `due_at` or now; null where hours are not explored."
    )
    hour_explored: bool | None = Field(description="Whether chance chose it, rather than take the best one.")
    eligible_hours: list[int] = Field(description="From which hours of the person's day; empty likewise.")


class DecisionExplained(Declared):
    """What was decided for one trigger, and why."""

    decision_id: str
    trigger: str
    action: Literal["send", "control", "hold"]
    reason: str
    in_words: str = Field(description="The reason as a sentence, and what each guard said.")
    guards: list[GuardAsked] = Field(
        description="What was asked, in order, up to what ended it; what the trigger does not have is not there."
    )
    score: float | None = Field(
        description="What was compared with the threshold: the probability of a purchase within the horizon, or "
        "what the message adds to it, where `model_version` is of a model of uplift."
    )
    threshold: float | None
    horizon: str | None
    arm: str | None
    propensity: float = Field(description="Probability of this outcome under the whole policy: all draws multiplied.")
    arm_probability: float | None = Field(description="Of the arm; null where none was drawn.")
    send_probability: float | None = Field(
        description="Probability that the message was sent, whatever was drawn; null where nothing was left to chance."
    )
    draws: DrawsExplained | None = Field(description="null where nothing was left to chance.")
    model_version: str | None
    policy_version: str
    step: int = Field(description="Which step of the trigger this was; 0 is the trigger itself.")
    due_at: AwareDatetime | None = Field(description="When it is decided again, where it was put off; else null.")
    channels: list[str] = Field(
        description="On which channels the message goes, or would; empty where it is held back."
    )
    messages: list[MessageExplained] = Field(
        description="What became of the messages, one for each channel; empty where none was made."
    )


class Evaluation(Declared):
    """One moment at which a user was scored, and all that was decided then."""

    decision_id: str
    at: AwareDatetime
    event: str | None = Field(description="The event that asked; null for a plain question.")
    intent: dict[str, float | None]
    models: dict[str, str]
    decisions: list[DecisionExplained]
    in_words: str = Field(description="The outcome of this moment in one sentence.")


class DecisionsAnswer(Declared):
    """Why a user got what they got, or nothing: newest first."""

    user_id: str
    evaluations: list[Evaluation]
    next: str | None = Field(description="Give this as `before` for the next page; null on the last one.")


class Problem(Declared):
    """An answer that is not a success (RFC 9457, with the `code` and `message` that Segment's SDKs look for)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Bad Request",
                    "status": 400,
                    "detail": "event: is required",
                    "instance": "/v1/track",
                    "code": "required",
                    "message": "event: is required",
                    "field": "event",
                },
            ],
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    field: str | None = None
