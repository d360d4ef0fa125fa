"""The policy in service follows its file: looked at every second, taken over as a whole or not at all."""

import asyncio
import contextlib
import logging

from sqlalchemy import Engine as Database

from policy.event_names import KindOf
from policy.policy import Policy
from policy.source import PolicyRefused
from serving.engine import Engine
from serving.policy_change import Change
from serving.policy_file import PolicyFile
from serving.policy_sequel import follow

LOOK_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class PolicyWatch:
    """Puts policies in service, one after the other, and sees to what follows from that."""

    def __init__(self, file: PolicyFile, engine: Engine, *, database: Database) -> None:
        """Prepare; the engine decides by what the file said when last loaded, the database is read beside it."""
        self._file = file
        self._engine = engine
        self._database = database
        self._taking = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    @property
    def policy(self) -> Policy:
        """The policy in service."""
        return self._engine.policy

    @property
    def refusal(self) -> str | None:
        """Why the file as it is now is not in service, by its name alone; None if it is."""
        stays = f"version {self._engine.policy.version} stays in service"
        return f"the policy file was refused: {self._file.in_words()}; {stays}" if self._file.problems else None

    async def start(self) -> None:
        """Put the policy in service that the engine was made with."""
        async with self._taking:
            await self._put(self._engine.policy)

    async def watch(self) -> None:
        """Take over what the file says whenever that is new, for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if await asyncio.to_thread(self._file.changed):
                    await self.reload()
            except PolicyRefused:
                # It was logged and is told until the file is mended; the policy in service stays.
                pass
            except Exception:  # noqa: BLE001 - full disk, too many requests: the next look is the retry
                _log.exception("the policy file could not be taken over")

    async def reload(self) -> Change:
        """Take over what the file says now; where it says the same, nothing is changed.

        Raises:
            PolicyRefused: Anything in it is wrong, so the policy in service stays.
            Overloaded: Too many items wait.
            NotReady: The engine is closed.
        """
        async with self._taking:
            policy = await asyncio.to_thread(self._file.load)
            if policy.version == self._engine.policy.version:
                return Change(policy.version, policy.version)
            try:
                change = await self._put(policy)
            except BaseException:
                self._file.forget()
                raise
            return change or Change(policy.version, policy.version)

    async def remap(self, kind_of: KindOf) -> None:
        """Put the policy in service as another mapping has it: what its triggers call events may mean others by it.

        Raises:
            PolicyRefused: This mapping does not allow it, so nothing changes.
            Overloaded: Too many items wait.
            NotReady: The engine is closed.
        """
        async with self._taking:
            await self._put(await asyncio.to_thread(self._file.under, kind_of))
            self._file.keep_to(kind_of)

    async def stop(self) -> None:
        """End what is still being done; a restart goes on with it."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following

    async def _put(self, policy: Policy) -> Change | None:
        change = await self._engine.replace_policy(policy)
        await self.stop()
        self._following = asyncio.create_task(follow(self._engine, self._database, policy, change))
        return change
