"""The routes for discount codes: told by the shop, handed out by triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path

from features.moments import to_moment, to_us
from policy.names import LONGEST_NAME, NAME
from serving import codes
from serving import contract_codes as contract
from serving.keys import ADMIN
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from serving.engine import Engine
PoolName = Annotated[
    str,
    Path(pattern=NAME, max_length=LONGEST_NAME, description="As triggers name it: a-z, 0-9, - and _."),
]


class CodeRoutes:
    """The two routes, on an engine and its database."""

    def __init__(self, engine: Engine, *, database: Database) -> None:
        """Keep what answering needs."""
        self._engine = engine
        self._database = database

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        declared: dict[str, Any] = {"needs": ADMIN, "tags": ["codes"], "strict_content_type": False}
        return [
            GuardedRoute("/v1/codes/{pool}", self.tell, methods=["PUT"], size="batch", **declared),
            GuardedRoute("/v1/codes", self.pools, methods=["GET"], **declared),
        ]

    async def tell(self, pool: PoolName, asked: contract.CodesRequest) -> contract.CodesAnswer:
        """Add codes to a pool, each to be handed out once; what the pool has already is not added again."""
        told = [codes.Code(each.code, to_us(each.expires_at) if each.expires_at else None) for each in asked.codes]
        at = self._engine.now()
        done = await self._engine.write(lambda connection: codes.add(connection, pool, told, at=at))
        return contract.CodesAnswer(pool=pool, added=done.added, known=done.known, elsewhere=list(done.elsewhere))

    def pools(self) -> contract.PoolsAnswer:
        """Return how many codes of each pool are left."""
        with self._database.connect() as connection:
            found = codes.pools(connection, at=self._engine.now())
        told = [each._asdict() | {"last_added_at": to_moment(each.last_added_at)} for each in found]
        return contract.PoolsAnswer(pools=[contract.PoolStanding(**each) for each in told])
