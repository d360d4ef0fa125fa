"""Files that are followed while the server runs, besides the policy: each is taken over as a whole, or not at all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from policy.places import regular

LOOK_EVERY_S = 1.0
_NOT_THERE: Final = b""
_log = logging.getLogger(__name__)


class FollowedFile:
    """One file: what it says, whether that is new, and why it was refused."""

    def __init__(
        self, what: str, path: Path, take: Callable[[], Awaitable[None]], refused: tuple[type[Exception], ...]
    ) -> None:
        """Prepare, before the file is read for the first time: what it says now counts as tried.

        Args:
            what: What it holds, in words, such as `the mapping of events`.
            path: Where it is.
            take: Reads it and puts what it says in service; raises where anything is wrong, and then changes nothing.
            refused: What it raises then.
        """
        self.what = what
        self._path = path
        self._take = take
        self._refused = refused
        self._tried = self._seen = _bytes(path)
        self._error: str | None = None

    @property
    def refusal(self) -> str | None:
        """Why the file as it is now is not in service, by its name alone; None if it is."""
        if self._error is None:
            return None
        return f"{self.what} was refused: {self._error}; what was read before stays in service"

    def measure(self) -> float:
        """Return 1 while the file is refused, else 0."""
        return float(self._error is not None)

    def changed(self) -> bool:
        """Whether the file says something that was not tried, and said so the last time it was looked at, too.

        Whoever writes a file is not believed before they have finished.
        """
        before, self._seen = self._seen, _bytes(self._path)
        return self._seen == before and self._seen != self._tried

    async def take_over(self) -> None:
        """Put in service what the file says; what it says wrong is logged once and told until it is mended."""
        seen = self._seen
        try:
            await self._take()
        except self._refused as refused:
            self._error = str(refused).replace(str(self._path), self._path.name)
            _log.error("%s is refused:\n%s", self.what, refused)
        else:
            self._error = None
            _log.info("%s was read anew", self.what)
        self._tried = seen


async def follow(files: Sequence[FollowedFile]) -> None:
    """Take over what these files say whenever that is new, for as long as the process lives."""
    while files:
        await asyncio.sleep(LOOK_EVERY_S)
        for each in files:
            try:
                if await asyncio.to_thread(each.changed):
                    await each.take_over()
            except Exception:  # noqa: BLE001 - too many requests, a full disk: the next look is the retry
                _log.exception("a file could not be taken over")


def _bytes(path: Path) -> bytes:
    try:
        return regular(path).read_bytes()
    except OSError:
        return _NOT_THERE
