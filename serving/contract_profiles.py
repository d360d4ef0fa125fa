"""The declared contract of the routes for profiles: what people are like besides what they do."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from serving.contract import Declared
from serving.profiles import LONGEST_FIELD, MOST_FIELDS

_PROFILE: JsonDict = {"loyalty_tier": "gold", "address": {"city": "Bonn"}, "timezone": "Europe/Berlin"}


class ProfileRequest(Declared):
    """What is to be known of a person from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"profile": {"loyalty_tier": "gold", "nickname": None}}]},
    )

    profile: dict[Annotated[str, Field(min_length=1, max_length=LONGEST_FIELD)], Any] = Field(
        min_length=1,
        max_length=MOST_FIELDS,
        description="By field; null takes one back, one not named stays. `email` and `phone` add addresses.",
    )


class ProfileAnswer(Declared):
    """What is known of a person besides what they do, under all their ids."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "u-42", "profile": _PROFILE, "addresses": ["ada@example.org"]}]},
    )

    user_id: str
    profile: dict[str, Any] = Field(description="The newest word on each field.")
    addresses: list[str] = Field(description="E-mail addresses and telephone numbers, as they are compared.")
