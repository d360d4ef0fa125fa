"""A call that is to come."""

import asyncio
from collections.abc import Callable


class Later:
    """Calls a function after a while, from the running event loop; one call at most is to come."""

    def __init__(self, call: Callable[[], None]) -> None:
        """Nothing is to come yet."""
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def within(self, delay_s: float) -> None:
        """Call in so many seconds, unless a call is to come already."""
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_later(delay_s, self._now)

    def cancel(self) -> None:
        """Call no more, until asked again."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _now(self) -> None:
        self._handle = None
        self._call()
