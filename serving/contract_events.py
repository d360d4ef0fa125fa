"""The declared contract of the Segment routes: events in."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.contract import EXAMPLE_EVENT, Declared

EXAMPLES: dict[str, dict[str, Any]] = {
    "track": {"userId": "u-42", **EXAMPLE_EVENT},
    "identify": {"userId": "u-42", "anonymousId": "a-7f3c", "traits": {"email": "ada@example.org"}},
    "page": {"anonymousId": "a-7f3c", "properties": {"url": "https://shop.example/p/77"}},
    "screen": {"userId": "u-42", "name": "Cart"},
    "alias": {"userId": "u-42", "previousId": "a-7f3c"},
    "group": {"userId": "u-42", "groupId": "g-7", "traits": {"name": "Lamps & Co"}},
}
"""One message of each call."""


class SegmentEvent(BaseModel):
    """One call of the Segment HTTP Tracking API; fields not named here are kept too.

    `userId` or `anonymousId` is required. The mapping understands other spellings (`user_id`, `event_type`, …).
    """

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLES["track"]]})

    userId: Any = Field(default=None, description="The user.")  # noqa: N815 (Segment's name)
    anonymousId: Any = Field(default=None, description="The person before they are identified.")  # noqa: N815
    event: Any = Field(default=None, description="What happened; `track` needs it.")
    messageId: Any = Field(default=None, description="At most 100 characters, the same on every retry.")  # noqa: N815
    timestamp: Any = Field(default=None, description="When it happened, ISO 8601.")
    sentAt: Any = Field(default=None, description="The sender's clock when sending, to correct it.")  # noqa: N815
    properties: Any = None
    traits: Any = None
    context: Any = None
    writeKey: Any = Field(default=None, description="The API key, where no header carries one.")  # noqa: N815


class EventBatch(BaseModel):
    """Up to 2,500 events in 500 KB; `context` and `integrations` hold for each of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"batch": [{"userId": "u-42", **EXAMPLE_EVENT}], "sentAt": "2026-03-02T17:04:06Z"}]
        },
    )

    batch: list[Any] = Field(description="Events, each with its `type`.")
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    sentAt: Any = None  # noqa: N815 (Segment's name)


class Rejected(Declared):
    """An event that was set aside."""

    index: int = Field(description="Its place in the batch, from 0.")
    field: str
    reason: str


class EventsAnswer(Declared):
    """Exactly `{"success": true}`, once everything is durable; more only where events of a batch were set aside."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"success": True}]})

    success: Literal[True]
    accepted: int | None = None
    rejected: list[Rejected] | None = None
