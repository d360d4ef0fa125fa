"""The declared contract of the routes for discount codes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from serving.contract import Declared, Moment

MOST_CODES = 5000
_MONDAY = "2026-03-02T17:04:05Z"
_SPRING: JsonDict = {"code": "SPRING-7F3K", "expires_at": "2026-06-30T23:59:59Z"}
_POOL: JsonDict = {"pool": "spring", "left": 998, "handed_out": 2, "expired": 0, "last_added_at": _MONDAY}


def _printable(code: str) -> str:
    if not code.isprintable() or code != code.strip():
        raise ValueError("is no code: it has a sign that cannot be seen, at its end or within")
    return code


class GivenCode(Declared):
    """A code to hand out once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_SPRING]})

    code: Annotated[str, Field(strict=True, min_length=1, max_length=200), AfterValidator(_printable)] = Field(
        description="As the shop takes it."
    )
    expires_at: Moment | None = Field(
        default=None, description="Until when the shop takes it, with a time zone; never, where it is not said."
    )


class CodesRequest(Declared):
    """Codes for a pool."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"codes": [_SPRING]}]})

    codes: list[GivenCode] = Field(min_length=1, max_length=MOST_CODES)


class CodesAnswer(Declared):
    """What became of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"pool": "spring", "added": 1, "known": 0, "elsewhere": []}]}
    )

    pool: str
    added: int = Field(description="How many were new.")
    known: int = Field(description="How many the pool had already; of those not handed out the expiry is as told now.")
    elsewhere: list[str] = Field(description="Which are another pool's; they stay there.")


class PoolStanding(Declared):
    """How a pool stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_POOL]})

    pool: str
    left: int = Field(description="How many can still be handed out.")
    handed_out: int
    expired: int = Field(description="How many expired before they were.")
    last_added_at: Moment = Field(description="When the newest of its codes came.")


class PoolsAnswer(Declared):
    """All pools, by name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pools": [_POOL]}]})

    pools: list[PoolStanding]
