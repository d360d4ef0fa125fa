"""The routes for what could not be delivered: dead letters, and trying them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Query

from serving import contract_delivery as contract
from serving.dead_letters import dead_letters, redrive, redrive_all
from serving.errors import NoSuchMessage
from serving.keys import ADMIN
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database

    from serving.engine import Engine
_EndpointName = Annotated[str | None, Query(max_length=100, description="Those for this endpoint only.")]
_Limit = Annotated[int, Query(ge=1, le=1000, description="Most messages.")]
_Before = Annotated[str | None, Query(max_length=300, description="The `next` of the page before.")]


class DeliveryRoutes:
    """The routes, on an engine and its database."""

    def __init__(
        self, engine: Engine, *, database: Database, clock: Callable[[], int], wake: Callable[[], None]
    ) -> None:
        """Keep what answering needs.

        Args:
            engine: Writes.
            database: Read on connections of its own.
            clock: Tells the wall's microseconds since the epoch.
            wake: Tells the dispatcher that there is something to send.
        """
        self._engine = engine
        self._database = database
        self._clock = clock
        self._wake = wake

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        return [
            GuardedRoute("/v1/dead-letters", self.dead, needs=ADMIN, tags=["operate"]),
            GuardedRoute("/v1/dead-letters/redrive", self.redrive, needs=ADMIN, methods=["POST"], tags=["operate"]),
        ]

    def dead(
        self, endpoint: _EndpointName = None, limit: _Limit = 100, before: _Before = None
    ) -> contract.DeadLettersAnswer:
        """List messages that were given up, newest first, each with the reason."""
        with self._database.connect() as connection:
            return dead_letters(connection, endpoint=endpoint, limit=limit, before=before)

    async def redrive(self, asked: contract.RedriveRequest) -> contract.RedrivenAnswer:
        """Try a dead letter anew, or all of an endpoint, under the ids they had; guards are asked as ever."""
        at = self._clock()

        def job(connection: Connection) -> int | None:
            if asked.message_id is not None:
                return redrive(connection, asked.message_id, at=at)
            return redrive_all(connection, asked.endpoint or "", at=at)

        found = await self._engine.write(job)
        if found is None:
            # Not within the transaction: that one of its items fails is for what it cannot write.
            raise NoSuchMessage(field="message_id")
        self._wake()
        return contract.RedrivenAnswer(redriven=found)
