"""The routes for profiles: what is known of a person besides what they do, read and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from features.normalise import normalise
from serving import contract_profiles as contract
from serving import profiles
from serving.driver import driver
from serving.errors import InvalidField, NoSuchUser
from serving.keys import ADMIN
from serving.misfits import misfit_in
from serving.profile_rules import fault
from serving.routes import GuardedRoute
from serving.user_ids import ids_in, key_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine as Database

    from features.mapping import EventMapping
    from serving.engine import Engine
    from serving.metrics import Metrics

_PERSON = """
SELECT p.user_no, p.timezone FROM users u JOIN users p ON p.user_no = coalesce(u.merged_into, u.user_no)
WHERE u.user_key = ?
"""
_ADDRESSES = "SELECT address FROM addresses WHERE user_no = ? ORDER BY address"


class ProfileRoutes:
    """The two routes, on an engine and its database."""

    def __init__(
        self,
        engine: Engine,
        *,
        database: Database,
        mapping: Callable[[], EventMapping],
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        """Keep what answering needs; `clock` tells the wall's microseconds since the epoch."""
        self._engine = engine
        self._database = database
        self._mapping = mapping
        self._metrics = metrics
        self._clock = clock

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        path = "/v1/users/{user_id:path}/profile"
        # Like all other routes these take JSON whatever the Content-Type says.
        declared: dict[str, Any] = {"needs": ADMIN, "tags": ["profiles"], "strict_content_type": False}
        return [
            GuardedRoute(path, self.profile, methods=["GET"], **declared),
            GuardedRoute(path, self.tell, methods=["PATCH"], **declared),
        ]

    def profile(self, user_id: str) -> contract.ProfileAnswer:
        """Return what is known of a person besides what they do; of somebody unidentified under `anonymous:<id>`."""
        key = key_in(user_id)
        with self._database.connect() as connection:
            direct = driver(connection)
            person = direct.execute(_PERSON, (key,)).fetchone()
            if person is None:
                raise NoSuchUser(field="user_id")
            number, timezone = person
            known = profiles.known(profiles.read(direct, number))
            addresses = [address for (address,) in direct.execute(_ADDRESSES, (number,)).fetchall()]
        if timezone is not None:
            known["timezone"] = timezone
        return contract.ProfileAnswer(user_id=key, profile=known, addresses=addresses)

    async def tell(self, user_id: str, asked: contract.ProfileRequest) -> contract.ProfileAnswer:
        """Change some fields; that goes into the log as an `identify` call, and counts from the next decision on."""
        key_in(user_id)
        _refuse(asked.profile)
        raw = {"type": "identify", **ids_in(user_id), "traits": asked.profile}
        taken = await self._engine.ingest([normalise(raw, received_at=self._clock(), mapping=self._mapping())])
        self._metrics.took_in(taken)
        return self.profile(user_id)


def _refuse(told: Mapping[str, Any]) -> None:
    """Raise InvalidField for what could not be kept."""
    if (misfit := misfit_in(told, "profile")) is not None:
        raise InvalidField(f"{misfit.path}: {misfit.reason}.", field=misfit.path)
    for field, value in told.items():
        reason = fault(field, value)
        if reason is not None:
            place = f"profile.{field}"
            raise InvalidField(f"{place}: {reason}.", field=place)
