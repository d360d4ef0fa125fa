"""The routes that only read: features, decisions and the server's own health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from features.catalog import CATALOGUE
from features.events import user_key
from features.moments import to_moment
from models.horizon import SEND_HOUR
from serving import contract_reads as contract
from serving.contract import ModelUsed
from serving.decisions import decisions_of
from serving.errors import NoSuchUser
from serving.keys import SCORE
from serving.metrics import CONTENT_TYPE, exposition
from serving.problem import NOT_READY, OK
from serving.routes import GuardedRoute
from serving.user_ids import known_as, named_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Engine as Database

    from models.learned_segments import LearnedSegments
    from serving.engine import Engine
    from serving.items import Answer, Score, UserIds
    from serving.metrics import Metrics
    from serving.send_hours import PersonHours

MOST_EVALUATIONS = 200
_EXPOSED: dict[int | str, dict[str, Any]] = {
    OK: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
Limit = Annotated[int, Query(ge=1, le=MOST_EVALUATIONS, description="Most evaluations on a page.")]
UserId = Annotated[str | None, Query(max_length=256, description="The user; or else `anonymous_id`.")]


class ReadRoutes:
    """The reading routes, on an engine and its database."""

    def __init__(
        self,
        engine: Engine,
        *,
        database: Database,
        metrics: Metrics,
        missing: Callable[[], Sequence[str]],
        remarks: Callable[[], Iterable[str]] = tuple,
        learned: Callable[[], LearnedSegments | None] = lambda: None,
    ) -> None:
        """Keep what answering needs; `missing` names what keeps the server from being ready, `remarks` the rest.

        `learned` are the learned segments in service.
        """
        self._engine = engine
        self._database = database
        self._missing = missing
        self._remarks = remarks
        self._learned = learned
        self._exposition = exposition(metrics)

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        return [
            GuardedRoute("/v1/users/{user_id:path}/features", self.features, needs=SCORE, tags=["read"]),
            GuardedRoute("/v1/users/{user_id:path}/send-hour", self.send_hour, needs=SCORE, tags=["read"]),
            GuardedRoute("/v1/decisions", self.decisions, needs=SCORE, tags=["read"]),
            GuardedRoute(
                "/metrics", self.metrics, needs=SCORE, tags=["operate"], response_class=Response, responses=_EXPOSED
            ),
            # Probes belong to whoever runs the server, not to its interface.
            GuardedRoute("/healthz", self.healthz, needs=None, include_in_schema=False),
            GuardedRoute("/readyz", self.readyz, needs=None, include_in_schema=False),
        ]

    async def features(self, user_id: str) -> contract.FeaturesAnswer:
        """Return the numbers the models see of this user now; of somebody unidentified under `anonymous:<id>`."""
        user = named_by(user_id)
        answer, score = await self._of(user)
        learned = self._learned()
        return contract.FeaturesAnswer(
            user_id=user_key(*user),
            at=to_moment(answer.at),
            catalogue=CATALOGUE.fingerprint,
            features=[
                contract.Feature(name=name, value=None if value != value else float(value), meaning=meaning)
                for name, value, meaning in zip(CATALOGUE.names, score.features, CATALOGUE.meanings, strict=True)
            ],
            segments={} if learned is None else learned.all_of(score.features),
        )

    async def send_hour(self, user_id: str) -> contract.SendHourAnswer:
        """Return at which hours of their day this user is there, or answers to messages where that was learned.

        Of somebody unidentified it is told under `anonymous:<id>`.
        """
        user = named_by(user_id)
        answer, score = await self._of(user)
        return _send_hour(user_key(*user), answer, score.hours)

    def decisions(
        self,
        user_id: UserId = None,
        anonymous_id: UserId = None,
        limit: Limit = 50,
        before: Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")] = None,
    ) -> contract.DecisionsAnswer:
        """Say why this user got what they got, or nothing: what was decided, newest first, with reasons in words."""
        key = user_key(*known_as(user_id, anonymous_id))
        with self._database.connect() as connection:
            return decisions_of(connection, key, limit=limit, before=before)

    async def metrics(self) -> Response:
        """Return what happened so far, as Prometheus text."""
        return Response(self._exposition(), media_type=CONTENT_TYPE)

    async def healthz(self) -> Response:
        """Say that the process answers."""
        return JSONResponse({"status": "ok"})

    async def readyz(self) -> Response:
        """Say whether the server can do its work, what is missing if not, and what else should be looked at."""
        missing = list(self._missing())
        body = {"ready": not missing, "missing": missing, "remarks": list(self._remarks())}
        return JSONResponse(body, NOT_READY if missing else OK)

    async def _of(self, user: UserIds) -> tuple[Answer, Score]:
        """Return what is known of a user now, none of which is kept in the ledger."""
        answer = await self._engine.score([user], keep=False)
        score = answer.scores[0]
        if not score.known:
            raise NoSuchUser(field="user_id")
        return answer, score


def _send_hour(user_id: str, answer: Answer, hours: PersonHours | None) -> contract.SendHourAnswer:
    used, known = answer.models.get(SEND_HOUR), None if hours is None else hours.known
    return contract.SendHourAnswer(
        user_id=user_id,
        at=to_moment(answer.at),
        timezone=None if hours is None else hours.timezone,
        model=None if used is None else ModelUsed(name=used.name, version=used.version, calibrated=used.calibrated),
        send_hour=None if known is None else known.best,
        send_at=None if hours is None else hours.send_at(answer.at),
        confidence=None if known is None else known.confidence,
        personal=None if known is None else known.personal,
        hours=None if hours is None else list(_day(hours)),
    )


def _day(hours: PersonHours) -> Iterator[contract.HourScore]:
    any_day = hours.profiles.any_day(hours.row)
    on_days = hours.profiles.on_days(hours.row) or (any_day, any_day)
    for hour, (score, working, free) in enumerate(zip(any_day, *on_days, strict=True)):
        yield contract.HourScore(hour=hour, score=score, working_day=working, weekend=free)
