"""The routes for guards: the suppression list, and what people said about being written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query

from features.moments import to_moment
from features.normalise import normalise
from policy.guards import EVERY_CHANNEL, Given
from serving import consents, suppressions
from serving import contract_guards as contract
from serving.consents import STATEMENT
from serving.contract_guards import ChannelOrAll
from serving.driver import driver, scalar
from serving.errors import InvalidField, NoSuchUser
from serving.keys import ADMIN
from serving.lessons import address, preference
from serving.routes import GuardedRoute
from serving.suppressions import ADDRESS, USER, Suppression
from serving.tracking import refused_at
from serving.user_ids import ids_in, key_in
from serving.withdrawal import suppress

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from features.mapping import EventMapping
    from serving.engine import Engine
    from serving.metrics import Metrics
MOST_ENTRIES = 1000
_PERSON = "SELECT coalesce(merged_into, user_no) FROM users WHERE user_key = ?"
Subject = Annotated[str | None, Query(max_length=512, description="The user; or else `address`.")]
Address = Annotated[str | None, Query(max_length=320, description="An e-mail address or a telephone number.")]


class GuardRoutes:
    """The routes, on an engine and its database."""

    def __init__(
        self,
        engine: Engine,
        *,
        database: Database,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        clock: Callable[[], int],
        tracking: str | None,
    ) -> None:
        """Keep what answering needs.

        Args:
            engine: Writes.
            database: Read on connections of its own.
            mapping: Returns how names and fields become ours.
            metrics: Where it is counted.
            clock: Tells the wall's microseconds since the epoch.
            tracking: The purpose whose consent lets events in; None where consent to tracking is assumed.
        """
        self._engine = engine
        self._database = database
        self._mapping = mapping
        self._metrics = metrics
        self._clock = clock
        self._tracking = tracking.casefold() if tracking is not None else None

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        return [
            self._route("/v1/suppressions", self.suppress, "PUT"),
            self._route("/v1/suppressions", self.suppressions, "GET"),
            self._route("/v1/suppressions", self.allow, "DELETE"),
            self._route("/v1/users/{user_id:path}/consents", self.say, "PUT"),
            self._route("/v1/users/{user_id:path}/consents", self.said, "GET"),
        ]

    @staticmethod
    def _route(path: str, endpoint: Callable[..., Any], method: str) -> GuardedRoute:
        # Like all other routes these take JSON whatever the Content-Type says.
        return GuardedRoute(path, endpoint, methods=[method], needs=ADMIN, tags=["guards"], strict_content_type=False)

    async def suppress(self, asked: contract.SuppressionRequest) -> contract.SuppressionEntry:
        """Write to this user or address no more, from the next decision on; the answer is what the list then says.

        A graver reason takes the place of an entry that is there, of two as grave the earlier one stays.
        """
        kind, subject = _subject(asked.user_id, asked.address)
        entry = Suppression(kind, subject, asked.channel, asked.reason, self._clock())

        def put(connection: Connection) -> Suppression:
            suppress(connection, [entry])
            return suppressions.one(connection, *entry[:3])

        return _entry(await self._engine.write(put))

    async def allow(
        self, user_id: Subject = None, address: Address = None, channel: ChannelOrAll = "*"
    ) -> contract.RemovedAnswer:
        """Take one entry off the list; one of `*` and one of a channel are two."""
        kind, subject = _subject(user_id, address)
        removed = await self._engine.write(lambda connection: suppressions.remove(connection, kind, subject, channel))
        return contract.RemovedAnswer(removed=removed)

    def suppressions(
        self,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES, description="Most entries on a page.")] = 100,
        after: Annotated[str, Query(max_length=600, description="The `next` of the page before.")] = "",
    ) -> contract.SuppressionsAnswer:
        """List who must not be written to, addresses first."""
        with self._database.connect() as connection:
            found = suppressions.page(connection, after=_place(after), limit=limit + 1)
        more = len(found) > limit
        last = found[limit - 1] if more else None
        return contract.SuppressionsAnswer(
            suppressions=[_entry(each) for each in found[:limit]],
            next=f"{last.kind}:{last.channel}:{last.subject}" if last else None,
        )

    async def say(self, user_id: str, asked: contract.ConsentsRequest) -> contract.ConsentsAnswer:
        """Write down what a person said; it goes into the log like all that they do, and counts from then on."""
        key = key_in(user_id)
        for name in asked.consents:
            if preference(name) is None:
                raise InvalidField(f"consents.{name}: is no purpose, nor purpose:channel", field=f"consents.{name}")
        raw = {"type": "identify", **ids_in(user_id), "traits": {"consents": asked.consents}}
        taken = await self._engine.ingest([normalise(raw, received_at=self._clock(), mapping=self._mapping())])
        self._metrics.took_in(taken)
        return self._answer(key, is_kept=not taken.untracked)

    def said(self, user_id: str) -> contract.ConsentsAnswer:
        """Return what a person said about being written to."""
        return self._answer(key_in(user_id))

    def _answer(self, key: str, *, is_kept: bool = True) -> contract.ConsentsAnswer:
        """Return what is known; of somebody who refused to be tracked that is nothing else."""
        with self._database.connect() as connection:
            number = scalar(driver(connection), _PERSON, (key,))
            refused = refused_at(driver(connection), [key]).get(key)
            found = {} if number is None else consents.read(connection, [number]).get(number, {})
        if number is None and refused is None and is_kept:
            raise NoSuchUser(field="user_id")
        if refused is not None and self._tracking is not None:
            found = {**found, (self._tracking, EVERY_CHANNEL): Given(granted=False, at=refused, source=STATEMENT)}
        return contract.ConsentsAnswer(
            user_id=key,
            consents=[
                contract.ConsentGiven(
                    purpose=purpose,
                    channel=channel,
                    granted=given.granted,
                    at=to_moment(given.at),
                    source=given.source,
                )
                for (purpose, channel), given in sorted(found.items())
            ],
        )


def _entry(found: Suppression) -> contract.SuppressionEntry:
    return contract.SuppressionEntry(
        user_id=found.subject if found.kind == USER else None,
        address=found.subject if found.kind == ADDRESS else None,
        channel=found.channel,
        reason=found.reason,
        at=to_moment(found.at),
    )


def _subject(user_id: str | None, written: str | None) -> tuple[str, str]:
    """Return kind and subject of an entry; raises InvalidField unless there is one of the two."""
    if (user_id is None) == (written is None):
        raise InvalidField("user_id: give either user_id or address.", field="user_id")
    if user_id is not None:
        return USER, key_in(user_id)
    found = address(written or "")
    if found is None:
        raise InvalidField("address: is no e-mail address and no telephone number.", field="address")
    return ADDRESS, found


def _place(after: str) -> tuple[str, str, str]:
    kind, _, rest = after.partition(":")
    channel, _, subject = rest.partition(":")
    if after and kind not in (USER, ADDRESS):
        raise InvalidField("after: is no `next` that was given out.", field="after")
    return kind, subject, channel
