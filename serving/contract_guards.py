"""The declared contract of the routes for guards: who must not be written to, and what people said about it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from serving.contract import Declared

ChannelOrAll = Literal["*", "webhook", "email", "sms", "push"]
Why = Literal["manual", "bounced", "complained", "unsubscribed"]
_AT = "2026-03-02T17:04:05.120000Z"
_ENTRY: JsonDict = {"user_id": None, "address": "ada@example.org", "channel": "email", "reason": "bounced", "at": _AT}


class SuppressionRequest(Declared):
    """Who must not be written to: a user or an address, which then covers everybody who has it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"address": "ada@example.org", "channel": "email", "reason": "complained"},
                {"user_id": "u-42"},
            ]
        },
    )

    user_id: str | None = Field(default=None, max_length=512, description="The user; or else `address`.")
    address: str | None = Field(default=None, max_length=320, description="An e-mail address or a telephone number.")
    channel: ChannelOrAll = Field(default="*", description="On which channel; `*` for all.")
    reason: Why = Field(default="manual", description="`unsubscribed` is about marketing only, the others about all.")


class SuppressionEntry(Declared):
    """Somebody who must not be written to."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    user_id: str | None
    address: str | None
    channel: str
    reason: str
    at: AwareDatetime


class SuppressionsAnswer(Declared):
    """A page of the suppression list."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"suppressions": [_ENTRY], "next": None}]})

    suppressions: list[SuppressionEntry]
    next: str | None = Field(description="Give this as `after` for the next page; null on the last one.")


class RemovedAnswer(Declared):
    """Whether there was anything to take away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"removed": True}]})

    removed: bool


class ConsentsRequest(Declared):
    """What a person said about being written to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"consents": {"marketing": True, "marketing:sms": False}}]},
    )

    consents: dict[Annotated[str, Field(max_length=100)], bool] = Field(
        min_length=1,
        max_length=50,
        description="By purpose, or `purpose:channel`; a word on all channels takes back earlier ones on each.",
    )


class ConsentGiven(Declared):
    """The latest word on a purpose and a channel."""

    purpose: str
    channel: str = Field(description="`*` for all that have no word of their own.")
    granted: bool
    at: AwareDatetime = Field(description="When the person said so.")
    source: str = Field(description="`statement`, or `context` where their browser remembered it.")


class ConsentsAnswer(Declared):
    """What a person said about being written to, under all their ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-42",
                    "consents": [
                        {"purpose": "marketing", "channel": "*", "granted": True, "at": _AT, "source": "statement"}
                    ],
                }
            ]
        },
    )

    user_id: str
    consents: list[ConsentGiven]
