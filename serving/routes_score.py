"""POST /v1/score and /v1/score/batch: how likely is it that this person buys, and what does the policy make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.events import BadEvent, user_key
from features.field_names import TOP_LEVEL_BY_FOLD
from features.kinds import Kind, fold_name
from features.moments import to_moment, to_us
from features.normalise import normalise
from features.values import text
from serving import contract, wire
from serving.errors import InvalidField, ScopeMissing, TooLarge
from serving.items import Fate
from serving.keys import ADMIN, SCORE
from serving.routes import HotRoute

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from features.events import Event
    from features.mapping import EventMapping
    from serving.callers import Caller
    from serving.items import Answer, Score, UserIds
    from serving.metrics import Metrics

    Hours = tuple[int | None, datetime | None, float | None, float | None]
    from serving.engine import Engine

MOST_USERS = 1000
NO_HOURS: Hours = (None, None, None, None)


class ScoreRoutes:
    """The two routes, on an engine."""

    def __init__(
        self,
        engine: Engine,
        *,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        clock: Callable[[], int],
        max_event_bytes: int,
        replay: bool,
    ) -> None:
        """Keep what answering needs; `clock` tells the wall's microseconds since the epoch."""
        self._engine = engine
        self._mapping = mapping
        self._metrics = metrics
        self._clock = clock
        self._max_event_bytes = max_event_bytes
        self._replay = replay

    def routes(self) -> list[HotRoute]:
        """Return the routes as declared."""
        return [
            HotRoute(
                "/v1/score",
                declare_score,
                answer=self.score,
                needs=SCORE,
                size="score",
                tags=["score"],
                summary="Score one user, with an event or without",
            ),
            HotRoute(
                "/v1/score/batch",
                declare_score_batch,
                answer=self.score_batch,
                needs=SCORE,
                size="batch",
                tags=["score"],
                summary="Score up to 1,000 users at one moment",
            ),
        ]

    async def score(self, body: bytes, caller: Caller) -> bytes:
        """Answer POST /v1/score."""
        try:
            request = wire.read_score(body)
        except wire.UNREADABLE as error:
            raise wire.unreadable(error, body) from None
        received_at = self._clock()
        event = None if request.event is None else self._event(request, body, received_at)
        user = (event.user_id, event.anonymous_id) if event else _user(request.user_id, request.anonymous_id, "")
        at = None if request.at is None else self._past(request.at, caller, event)
        answer = await self._engine.score([user], event=event, at=at, explain=request.explain)
        if event is not None:
            self._count(event, answer, received_at)
        return _score_answer(user, answer)

    def _count(self, event: Event, answer: Answer, received_at: int) -> None:
        counted = self._metrics.events
        fate = answer.scores[0].fate or Fate.ACCEPTED
        if fate is not Fate.ACCEPTED:
            counted[fate.value] += 1
            return
        counted["accepted"] += 1
        if event.kind is Kind.OTHER:
            counted["unknown"] += 1
        self._metrics.event_to_decision_s.observe((self._clock() - received_at) / 1e6)

    async def score_batch(self, body: bytes, caller: Caller) -> bytes:
        """Answer POST /v1/score/batch."""
        try:
            request = wire.read_score_batch(body)
        except wire.UNREADABLE as error:
            raise wire.unreadable(error, body) from None
        if len(request.users) > MOST_USERS:
            raise TooLarge(f"users: at most {MOST_USERS:,} in one request.", field="users")
        users = [_user(each.user_id, each.anonymous_id, f"users[{i}].") for i, each in enumerate(request.users)]
        at = None if request.at is None else self._past(request.at, caller, None)
        answer = await self._engine.score(users, at=at, explain=request.explain)
        return wire.encode(
            wire.ScoreBatchAnswer(
                at=to_moment(answer.at),
                models=answer.models,
                policy_version=answer.policy_version,
                scores=[
                    wire.UserScore(
                        user_id,
                        anonymous_id,
                        scored.known,
                        scored.untracked,
                        scored.intent,
                        *_hours(scored, answer.at),
                        scored.decision_id,
                        scored.explain,
                    )
                    for (user_id, anonymous_id), scored in zip(users, answer.scores, strict=True)
                ],
            ),
        )

    def _event(self, request: wire.ScoreRequest, body: bytes, received_at: int) -> Event:
        """Return the event that came with a question; its ids are those of the question where it names none."""
        if len(body) > self._max_event_bytes:
            self._refuse_large(body)
        prefix, raw, mapping = "event.", request.event, self._mapping()
        if not isinstance(raw, dict):
            prefix, raw = "", wire.read_object(body)
            raw.pop("explain", None)
            raw.pop("at", None)
        else:
            if request.user_id is not None and not _names(raw, "userId", mapping):
                raw["userId"] = request.user_id
            if request.anonymous_id is not None and not _names(raw, "anonymousId", mapping):
                raw["anonymousId"] = request.anonymous_id
        wire.refuse_depth(body, raw)
        try:
            event = normalise(raw, received_at=received_at, mapping=mapping, was_json=True)
        except BadEvent as bad:
            self._metrics.events["rejected"] += 1
            raise BadEvent((prefix + bad.field).rstrip("."), bad.reason, bad.code) from None
        _refuse_another(event, request)
        return event

    def _refuse_large(self, body: bytes) -> None:
        """Measure the event alone: what stands around it in the body is not part of its limit."""
        if wire.event_size(body) > self._max_event_bytes:
            raise TooLarge(f"event: larger than {self._max_event_bytes:,} bytes.", field="event")

    def _past(self, moment: datetime, caller: Caller, event: Event | None) -> int:
        if ADMIN not in caller.scopes:
            raise ScopeMissing("at: scoring as of another moment needs a key of scope admin.", field="at")
        if event is not None and not self._replay:
            raise InvalidField("at: an event happens when its timestamp says, so it cannot come with `at`.", field="at")
        return to_us(moment)


def _user(user_id: str | int | None, anonymous_id: str | int | None, prefix: str) -> UserIds:
    """Return the ids of a user as the log knows them; raises BadEvent, which names the field as it was sent."""
    try:
        user = text(user_id, "user_id"), text(anonymous_id, "anonymous_id")
        user_key(*user)
    except BadEvent as bad:
        field = "user_id" if bad.field == "userId" else bad.field
        reason = "user_id or anonymous_id is required" if bad.code == "required" else bad.reason
        raise BadEvent(prefix + field, reason, bad.code) from None
    return user


def _names(raw: dict[str, Any], field: str, mapping: EventMapping) -> bool:
    """Whether an event says a field of ours, in whichever spelling; what others call so, as `customer_id`, does not."""
    known = mapping.fields
    return any(
        known[key] == field and raw[key] not in (None, "") and TOP_LEVEL_BY_FOLD.get(fold_name(key)) == field
        for key in raw
    )


def _refuse_another(event: Event, request: wire.ScoreRequest) -> None:
    for field, asked, found in (
        ("user_id", request.user_id, event.user_id),
        ("anonymous_id", request.anonymous_id, event.anonymous_id),
    ):
        if asked is not None and asked != found and text(asked, field) != found:
            raise InvalidField(f"{field}: the event is of somebody else.", field=field)


def _score_answer(user: UserIds, answer: Answer) -> bytes:
    scored = answer.scores[0]
    send_hour, send_at, confidence, personal = _hours(scored, answer.at)
    return wire.encode(
        # By their places, in a fifth of the time.
        wire.ScoreAnswer(
            user[0],
            user[1],
            scored.known,
            to_moment(answer.at),
            scored.intent,
            send_hour,
            send_at,
            confidence,
            personal,
            answer.models,
            answer.policy_version,
            scored.decision_id,
            scored.fate is Fate.DUPLICATE,
            scored.untracked,
            scored.decisions,
            scored.explain,
        ),
    )


def _hours(scored: Score, at: int) -> Hours:
    """Return what an answer says of the person's hours: `send_hour`, `send_at`, `confidence` and `personal`."""
    if scored.hours is None:
        return NO_HOURS
    known = scored.hours.known
    return known.best, scored.hours.send_at(at), known.confidence, known.personal


async def declare_score(request: contract.ScoreRequest) -> contract.ScoreAnswer:  # type: ignore[empty-body]
    """Return the user's intent for each horizon; with an event, take it in first and say what was decided."""


async def declare_score_batch(request: contract.ScoreBatchRequest) -> contract.ScoreBatchAnswer:  # type: ignore[empty-body]
    """Return the intent of each user, in the order asked. Nothing is decided."""
