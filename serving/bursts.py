"""Links of one message that are followed at the same time: a scanner follows all of them, a person one."""

import asyncio
from typing import Final

BURST_S: Final = 1.0
"""Seconds within which nobody follows two links of a message. A click waits so long until it is told."""


class Bursts:
    """Remembers, for a moment, which links of a message were followed."""

    def __init__(self, burst_s: float = BURST_S) -> None:
        """Let each click wait for others, in seconds."""
        self._burst_s = burst_s
        self._followed: dict[str, list[str]] = {}
        self._waiting: dict[str, int] = {}

    @property
    def messages(self) -> int:
        """Of how many messages links were followed just now."""
        return len(self._followed)

    async def is_alone(self, message_id: str, url: str) -> bool:
        """Wait, and return whether no other link of the message was followed shortly before or since."""
        followed = self._followed.setdefault(message_id, [])
        followed.append(url)
        self._waiting[message_id] = self._waiting.get(message_id, 0) + 1
        try:
            await asyncio.sleep(self._burst_s)
            return len(set(followed)) == 1
        finally:
            self._waiting[message_id] -= 1
            if not self._waiting[message_id]:
                del self._waiting[message_id], self._followed[message_id]
