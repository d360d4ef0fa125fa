"""What need not be kept for ever: feature vectors of old evaluations, half a kilobyte each; their scores stay."""

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection

from serving.dispatcher import Writer
from serving.log import decision_id

LOOK_EVERY_S = 600.0
REST_S = 0.05
AT_ONCE = 2000
DAY_US = 86_400_000_000
_PRUNE = """
UPDATE evaluations SET features = NULL WHERE decision_id IN
    (SELECT decision_id FROM evaluations WHERE decision_id < ? AND features IS NOT NULL LIMIT ?)
"""


def prune_features(connection: Connection, *, before: int, at_once: int = AT_ONCE) -> int:
    """Forget the feature vectors of evaluations before a moment in microseconds; return how many, at most `at_once`."""
    return int(connection.exec_driver_sql(_PRUNE, (decision_id(max(before, 0)), at_once)).rowcount)


async def keep_pruning(writer: Writer, *, days: int, now: Callable[[], int]) -> None:
    """Prune whatever grows older than `days`, a little at a time, for as long as the process lives."""
    while True:
        before = now() - days * DAY_US

        def prune(connection: Connection, before: int = before) -> int:
            return prune_features(connection, before=before)

        pruned = await writer.write(prune)
        await asyncio.sleep(REST_S if pruned == AT_ONCE else LOOK_EVERY_S)
