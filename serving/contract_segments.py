"""The declared contract of the routes about segments."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from serving.contract import Declared


class SegmentStanding(Declared):
    """One segment of the policy in service."""

    name: str
    in_words: str = Field(description="Who is in it.")
    notify: str | None = Field(description="Webhook endpoint that is told who enters and leaves; null for none.")
    size: int = Field(description="How many people are in it.")


class SegmentsAnswer(Declared):
    """All segments, in the file's order."""

    policy_version: str
    segments: list[SegmentStanding]
    waiting: int = Field(description="People whose segments are still to be computed: after an import, or a new file.")


class Member(Declared):
    """Somebody in a segment."""

    user_id: str = Field(description="The user's id; of somebody unidentified `anonymous:<id>`.")
    since: AwareDatetime = Field(description="When they entered it, or were first found in it.")


class SegmentUsersAnswer(Declared):
    """One page of the people in a segment; whoever enters or leaves meanwhile moves nobody to another page."""

    segment: str
    users: list[Member]
    next: str | None = Field(description="Give this as `after` for the next page; null on the last one.")
