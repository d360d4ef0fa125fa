"""The routes of whoever answers for the installation: stop all sending; erase a person, export what is known of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi.responses import Response
from starlette.concurrency import iterate_in_threadpool

from features.catalog import CATALOGUE
from features.events import user_key
from features.moments import to_moment
from serving import contract_operate as contract
from serving.clock import wall
from serving.errors import NoSuchUser
from serving.export import export, look_up
from serving.keys import ADMIN
from serving.pause import is_paused, pause, paused_since, pending, resume
from serving.problem import OK
from serving.routes import GuardedRoute
from serving.user_ids import key_in, named_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy import Engine as Database
    from starlette.types import Receive, Scope, Send

    from serving.engine import Engine
    from serving.erasure_files import Files
    from serving.metrics import Metrics
_TRIES, _REST_S = 20, 0.03
"""How often it is tried to cut the write-ahead logs, and after which rest: somebody may be reading them."""


class OperateRoutes:
    """The operating routes, on an engine, its database and its files."""

    def __init__(self, engine: Engine, *, database: Database, files: Files, metrics: Metrics) -> None:
        """Keep what answering needs."""
        self._engine = engine
        self._database = database
        self._files = files
        metrics.gauge("sending_paused", "1 while nothing is sent.", self._measure_paused)

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared; the last takes every path that no other does."""
        return [
            GuardedRoute("/v1/sending", self.sending, needs=ADMIN, tags=["operate"]),
            GuardedRoute("/v1/sending", self.switch, needs=ADMIN, methods=["PUT"], tags=["operate"]),
            GuardedRoute(
                "/v1/users/{user_id:path}/export",
                self.export,
                needs=ADMIN,
                tags=["privacy"],
                response_model=None,
                responses={OK: {"model": contract.ExportAnswer}},
            ),
            GuardedRoute("/v1/users/{user_id:path}", self.erase, needs=ADMIN, methods=["DELETE"], tags=["privacy"]),
        ]

    def sending(self) -> contract.SendingAnswer:
        """Say whether messages go out, and how many wait."""
        with self._database.connect() as connection:
            return _standing(connection)

    async def switch(self, asked: contract.SendingRequest) -> contract.SendingAnswer:
        """Stop all sending within a second, or start it again; decisions go on being made and written down."""

        def throw(connection: Connection) -> contract.SendingAnswer:
            if asked.paused:
                pause(connection, at=wall())
            else:
                resume(connection)
            return _standing(connection)

        return await self._engine.write(throw)

    async def erase(self, user_id: str) -> contract.ErasedAnswer:
        """Erase a person under all their ids, everywhere and for ever; of somebody unidentified, `anonymous:<id>`.

        What happened before is dropped should it arrive later. Somebody unknown is answered the same.
        """
        key = key_in(user_id)
        found, said, known = await asyncio.to_thread(look_up, self._database, key)
        erased = await self._engine.erase(key, known)
        # Only then: until it is out of the outbox a message may still be written into a file.
        files = await asyncio.to_thread(self._files.forget, said, found.keys)
        overwritten = await self._overwrite()
        return contract.ErasedAnswer(
            erased_at=to_moment(erased.at), rows=erased.rows, files=files, overwritten=overwritten
        )

    async def export(self, user_id: str) -> Response:
        """Return everything that is stored about a person, under all their ids, table by table."""
        ids = named_by(user_id)
        key = user_key(*ids)
        await self._engine.flush()
        found, _, rejects = await asyncio.to_thread(look_up, self._database, key)
        if not found.numbers and not rejects.ids:
            raise NoSuchUser(field="user_id")
        answer = await self._engine.score([ids], keep=False)
        values = zip(CATALOGUE.names, answer.scores[0].features.tolist(), CATALOGUE.meanings, strict=True)
        head = {
            "user_id": key,
            "ids": found.keys,
            "exported_at": to_moment(wall()),
            # What has no answer is NaN, which JSON writes as null.
            "features": [{"name": name, "value": value, "meaning": meaning} for name, value, meaning in values],
        }
        return _Streamed(export(self._database, found, rejects, head))

    async def _overwrite(self) -> bool:
        """Cut the write-ahead logs; False if others read them all the time."""
        for _ in range(_TRIES):
            await asyncio.to_thread(self._files.copy)
            # In the loop, between two of its transactions: a busy writer leaves no gap for anybody else.
            if self._files.overwrite():
                return True
            await asyncio.sleep(_REST_S)
        return False

    def _measure_paused(self) -> float:
        with self._database.connect() as connection:
            return float(is_paused(connection))


class _Streamed(Response):
    """JSON sent part by part; Starlette's own would wait for a disconnect, of which the edge cannot tell."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": OK, "headers": headers})
        async for part in iterate_in_threadpool(self._parts):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _standing(connection: Connection) -> contract.SendingAnswer:
    since = paused_since(connection)
    return contract.SendingAnswer(
        paused=since is not None, since=None if since is None else to_moment(since), pending=pending(connection)
    )
