"""What need not be kept for ever: feature vectors of old evaluations, half a kilobyte each; their scores stay."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from serving.dispatcher import Writer
from serving.log import decision_id

LOOK_EVERY_S = 600.0
REST_S = 0.05
AT_ONCE = 2000
DAY_US = 86_400_000_000
# What was pruned is not looked at again: ids ascend with their moments.
_DONE_UNTIL = "SELECT value FROM facts WHERE name = 'features_pruned_until'"
_NEXT = "SELECT decision_id FROM evaluations WHERE decision_id > ? AND decision_id < ? ORDER BY decision_id LIMIT ?"
_PRUNE = "UPDATE evaluations SET features = NULL WHERE decision_id > ? AND decision_id <= ?"
_DONE = "INSERT OR REPLACE INTO facts (name, value) VALUES ('features_pruned_until', ?)"
_log = logging.getLogger(__name__)


def prune_features(connection: Connection, *, before: int, at_once: int = AT_ONCE) -> int:
    """Forget the feature vectors of evaluations before a moment in microseconds; return how many, at most `at_once`."""
    done = connection.exec_driver_sql(_DONE_UNTIL).scalar() or ""
    found = connection.exec_driver_sql(_NEXT, (done, decision_id(max(before, 0)), at_once)).scalars().all()
    if found:
        connection.exec_driver_sql(_PRUNE, (done, found[-1]))
        connection.exec_driver_sql(_DONE, (found[-1],))
    return len(found)


async def keep_pruning(writer: Writer, *, days: int, now: Callable[[], int]) -> None:
    """Prune whatever grows older than `days`, a little at a time, for as long as the process lives."""
    while True:
        pruned = 0
        try:
            pruned = await writer.write(partial(prune_features, before=now() - days * DAY_US))
        except Exception:  # noqa: BLE001 - full disk, too many requests
            # The next look is the retry.
            _log.exception("old feature vectors could not be forgotten")
        await asyncio.sleep(REST_S if pruned == AT_ONCE else LOOK_EVERY_S)
