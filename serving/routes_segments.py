"""The routes about segments: which there are, and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query

from features.moments import to_moment
from policy.sentences import sentence_of_segment
from serving import contract_segments as contract
from serving.driver import driver
from serving.errors import InvalidField, NoSuchSegment
from serving.keys import ADMIN, SCORE
from serving.members import AT_ONCE_DUE
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from serving.engine import Engine

MOST_USERS = 1000
Limit = Annotated[int, Query(ge=1, le=MOST_USERS, description="Most people on a page.")]
_SIZES = "SELECT segment, count(*) FROM segment_members GROUP BY segment"
_WAITING = "SELECT count(*) FROM segment_looks WHERE due_at = ?"
# By number: nobody's changes, so that pages neither repeat nor leave out whoever stays.
_USERS = """
SELECT m.user_no, u.user_key, m.since FROM segment_members m JOIN users u USING (user_no)
WHERE m.segment = ? AND m.user_no > ? ORDER BY m.user_no LIMIT ?
"""


class SegmentRoutes:
    """The routes, on an engine, whose policy has the segments, and its database."""

    def __init__(self, engine: Engine, *, database: Database) -> None:
        """Keep what answering needs."""
        self._engine = engine
        self._database = database

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        return [
            GuardedRoute("/v1/segments", self.segments, needs=SCORE, tags=["segments"]),
            GuardedRoute("/v1/segments/{name}/users", self.users, needs=ADMIN, tags=["segments"]),
        ]

    def segments(self) -> contract.SegmentsAnswer:
        """Say which segments there are, who is in them in words, and how many that are."""
        policy = self._engine.policy
        sizes = dict(self._rows(_SIZES))
        return contract.SegmentsAnswer(
            policy_version=policy.version,
            segments=[
                contract.SegmentStanding(
                    name=each.name,
                    in_words=sentence_of_segment(each),
                    notify=each.notify,
                    size=sizes.get(each.name, 0),
                )
                for each in policy.segments
            ],
            waiting=self._rows(_WAITING, AT_ONCE_DUE)[0][0],
        )

    def users(
        self,
        name: str,
        limit: Limit = 100,
        after: Annotated[str | None, Query(max_length=20, description="The `next` of the page before.")] = None,
    ) -> contract.SegmentUsersAnswer:
        """Say who is in a segment, page by page."""
        if name not in self._engine.policy.segments_by_name:
            raise NoSuchSegment(field="name")
        found = self._rows(_USERS, name, _cursor(after), limit + 1)
        page = found[:limit]
        return contract.SegmentUsersAnswer(
            segment=name,
            users=[contract.Member(user_id=key, since=to_moment(since)) for _, key, since in page],
            next=str(page[-1][0]) if len(found) > limit else None,
        )

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._database.connect() as connection:
            return driver(connection).execute(statement, values).fetchall()


def _cursor(after: str | None) -> int:
    if after is None:
        return 0
    if not (after.isascii() and after.isdecimal()) or len(after) > 18:
        raise InvalidField("after: give the `next` of the page before.", field="after")
    return int(after)
