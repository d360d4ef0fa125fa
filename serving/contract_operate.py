"""The declared contract of the routes for whoever answers for the installation: sending, erasure, export."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, ConfigDict, Field

from serving.contract import Declared
from serving.contract_reads import Feature


class SendingRequest(Declared):
    """Whether anything may be sent."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"paused": True}, {"paused": False}]})

    paused: bool = Field(description="true stops all sending within a second; decisions go on, and messages wait.")


class SendingAnswer(Declared):
    """Whether messages go out, and how many wait."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"paused": True, "since": "2026-03-02T17:04:05.120000Z", "pending": 17}]},
    )

    paused: bool
    since: AwareDatetime | None = Field(description="Since when nothing is sent; null while messages go out.")
    pending: int = Field(description="Messages that wait in the outbox.")


class ErasedAnswer(Declared):
    """What was removed of a person, everywhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "erased_at": "2026-03-02T17:04:05.120000Z",
                    "rows": {"users": 2, "events": 41, "evaluations": 12, "decisions": 12, "outbox": 3},
                    "files": ["feast/states.parquet"],
                    "overwritten": True,
                }
            ]
        },
    )

    erased_at: AwareDatetime = Field(description="Events of this person that happened until then are dropped for ever.")
    rows: dict[str, int] = Field(description="Rows removed, by table.")
    files: list[str] = Field(description="Files that were rewritten, or removed because they can be made again.")
    overwritten: bool = Field(
        description="Whether the write-ahead logs were cut, too; false where somebody read all the time: ask again."
    )


class ExportAnswer(Declared):
    """Everything that is stored about a person, under all their ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-42",
                    "ids": ["anonymous:a-7f3c", "u-42"],
                    "exported_at": "2026-03-02T17:04:05.120000Z",
                    "features": [{"name": "orders", "value": 3.0, "meaning": "Orders so far"}],
                    "tables": {"users": [{"user_no": 7, "user_key": "u-42"}], "events": [], "rejects": []},
                }
            ]
        },
    )

    user_id: str
    ids: list[str] = Field(description="All ids that were linked to this person.")
    exported_at: AwareDatetime
    features: list[Feature] = Field(description="What models see of them now, in words.")
    tables: dict[str, list[dict[str, Any]]] = Field(description="Their rows of each table.")
