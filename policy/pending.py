"""Messages of a person that wait for their moment: others keep away from it where caps leave too little for both."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from policy.caps import Sent
from policy.guards import Guards, Standing, counted

Pending = Callable[[str, str], Sequence[Sent]]
"""Tells what of a person was put off to which moment, but for what waits of a trigger and key of these names."""


def nothing_pending(_trigger: str, _key: str) -> Sequence[Sent]:
    """Tell of somebody for whom nothing waits."""
    return ()


def room_from(
    guards: Guards, standing: Standing, pending: Sequence[Sent], *, channel: str, trigger: str, at: int
) -> int:
    """Return a moment from `at` on, in microseconds, before which caps leave no room for a message; `at` if they do.

    Counted is what was sent and what is pending. All caps that one by one have room then may not have it together.
    """
    seen = replace(standing, sends=[*standing.sends, *pending])
    return max((cap.room_from(sends, at) for _, cap, sends in counted(guards, seen, channel, trigger)), default=at)
