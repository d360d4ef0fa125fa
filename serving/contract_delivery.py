"""The declared contract of the routes for what could not be delivered."""

from __future__ import annotations

from typing import Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from serving.contract import Declared

_LETTER: JsonDict = {
    "message_id": "msg_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "decision_id": "64c2f1a8bd003000.warm-cart",
    "user_id": "u-42",
    "trigger": "warm-cart",
    "channel": "email",
    "endpoint": "mail",
    "attempts": 1,
    "enqueued_at": "2026-03-02T17:04:05.120000Z",
    "error": "the mail server refused the recipient: 550",
}


class DeadLetter(Declared):
    """A message that was given up."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LETTER]})

    message_id: str
    decision_id: str
    user_id: str | None = Field(description="Whose it is; null for a message about nobody.")
    trigger: str | None
    channel: str | None
    endpoint: str
    attempts: int
    enqueued_at: AwareDatetime
    error: str | None = Field(description="Why it was given up.")


class DeadLettersAnswer(Declared):
    """Messages that were given up, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"messages": [_LETTER], "next": None}]})

    messages: list[DeadLetter]
    next: str | None = Field(description="Ask with this as `before` for the page after; null on the last one.")


class RedriveRequest(Declared):
    """Which dead letters to try anew: one, or all those for an endpoint."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"message_id": _LETTER["message_id"]}, {"endpoint": "mail"}]},
    )

    message_id: str | None = Field(default=None, min_length=1, max_length=220, description="This one.")
    endpoint: str | None = Field(default=None, min_length=1, max_length=100, description="All those for this endpoint.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.message_id is None) == (self.endpoint is None):
            raise ValueError("give either message_id or endpoint")
        return self


class RedrivenAnswer(Declared):
    """How many messages are tried anew."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"redriven": 17}]})

    redriven: int = Field(description="Messages that go out again, under the ids they had; 0 if none was dead.")
