"""The declared contract of the routes of the policy: what is in service, and taking over what its file says now."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from serving.contract import Declared


class TriggerInService(Declared):
    """A trigger of the policy in service."""

    name: str
    mode: Literal["live", "dry_run", "test_profiles"]
    experiment: str = Field(
        description="Under which name its hold-out is compared: that of the trigger unless it says."
    )
    in_words: str = Field(description="The whole trigger in a sentence.")
    waiting: int = Field(description="How many of its timers wait.")
    enrolled: int | None = Field(
        description="How many were enrolled who waited already; null where none are, by `enrol: from_now`."
    )


class PolicyAnswer(Declared):
    """The policy in service."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "5f0c9a1e77b2",
                    "since": "2026-03-02T17:04:05.120000Z",
                    "refusal": None,
                    "triggers": [
                        {
                            "name": "warm-cart",
                            "mode": "live",
                            "experiment": "warm-cart",
                            "in_words": "At Product Added, send a marketing message by webhook to default.",
                            "waiting": 0,
                            "enrolled": None,
                        }
                    ],
                }
            ]
        },
    )

    version: str
    since: AwareDatetime | None = Field(description="When it came into service; null before that is written down.")
    refusal: str | None = Field(description="Why what the file says now is not in service; null if it is.")
    triggers: list[TriggerInService]


class ReloadRequest(Declared):
    """Nothing to say: an empty object."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})


class ReloadAnswer(Declared):
    """What is different in the policy that came into service."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": "5f0c9a1e77b2",
                    "before": "0a41d2c90b13",
                    "added": ["wishlist"],
                    "removed": [],
                    "changed": ["warm-cart"],
                }
            ]
        },
    )

    version: str
    before: str | None = Field(description="Version of the one before; the same where the file says nothing new.")
    added: list[str]
    removed: list[str] = Field(
        description="Their timers end and their messages are withdrawn, each with the reason `policy_changed`."
    )
    changed: list[str] = Field(description="Their timers keep their moment and decide by the new rules.")
