"""The routes of the policy: which one is in service, and taking over what its file says now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.moments import to_moment
from policy.sentences import sentence
from policy.source import PolicyRefused
from serving import contract_policy as contract
from serving.enrolment import enrolled
from serving.errors import PolicyFileRefused
from serving.keys import ADMIN
from serving.policy_change import in_service, waiting
from serving.routes import GuardedRoute

if TYPE_CHECKING:
    from sqlalchemy import Engine as Database

    from serving.policy_watch import PolicyWatch


class PolicyRoutes:
    """The routes of the policy."""

    def __init__(self, policies: PolicyWatch, *, database: Database) -> None:
        """Keep what answering needs."""
        self._policies = policies
        self._database = database

    def routes(self) -> list[GuardedRoute]:
        """Return the routes as declared."""
        return [
            GuardedRoute("/v1/policy", self.policy, needs=ADMIN, tags=["operate"]),
            GuardedRoute("/v1/policy/reload", self.reload, needs=ADMIN, methods=["POST"], tags=["operate"]),
        ]

    def policy(self) -> contract.PolicyAnswer:
        """Return the policy in service, each trigger in a sentence, and how many wait for it."""
        policy = self._policies.policy
        with self._database.connect() as connection:
            known, waits = in_service(connection), waiting(connection)
            begun = {each.name: enrolled(connection, each) for each in policy.triggers}
        since = known.since if known is not None and known.version == policy.version else None
        return contract.PolicyAnswer(
            version=policy.version,
            since=None if since is None else to_moment(since),
            refusal=self._policies.refusal,
            triggers=[
                contract.TriggerInService(
                    name=each.name,
                    mode=each.mode.value,
                    experiment=each.experiment_name,
                    in_words=sentence(each),
                    waiting=waits.get(each.name, 0),
                    enrolled=begun[each.name],
                )
                for each in policy.triggers
            ],
        )

    async def reload(self, asked: contract.ReloadRequest) -> contract.ReloadAnswer:
        """Take over what the policy file says now, as a whole or not at all; the body is an empty object."""
        del asked
        try:
            change = await self._policies.reload()
        except PolicyRefused as refused:
            raise PolicyFileRefused(self._policies.refusal or str(refused)) from refused
        return contract.ReloadAnswer(
            version=change.version,
            before=change.before,
            added=list(change.added),
            removed=list(change.removed),
            changed=list(change.changed),
        )
