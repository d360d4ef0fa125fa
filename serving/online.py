"""The online store: packed states by user, through Feast's OnlineStore interface.

Feast is imported here and nowhere else in serving; it takes seconds, so only the composition root imports this module.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import cast

from feature_repo.declarations import user, user_state
from feature_repo.sqlite_states import StateSqliteOnlineStore
from feature_repo.stores import repo_config

# isort: split
# After feature_repo, which imports Feast in a third of the time.
from feast.infra.online_stores.helpers import get_online_store_from_config
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

STATE = "state"


class OnlineStates:
    """Packed states by user key; what the store lost reads as None.

    The store's order of writes is the caller's: one writer a user, with strictly increasing moments. Not for use from
    two threads at once.
    """

    def __init__(self, directory: Path) -> None:
        """Open the store that feature_store.yaml names, below `directory` (an OPPORTUNE_HOME) where it is a file."""
        self._config = repo_config(directory, offline=False)
        self._store = get_online_store_from_config(self._config.online_store)
        self._store.update(self._config, [], [user_state], [], [user], partial=True)
        # Ours is asked for bytes by text; any other one through Feast's interface alone.
        self._own = self._store if isinstance(self._store, StateSqliteOnlineStore) else None
        join_keys = [user.join_key]

        # Who is read is written next: a key is made once for both.
        @lru_cache(maxsize=1024)
        def entity(key: str) -> EntityKey:
            return EntityKey(join_keys=join_keys, entity_values=[{"string_val": key}])

        self._entity = entity

    @property
    def file(self) -> Path | None:
        """The file of states; None where the store is no file."""
        path = getattr(self._config.online_store, "path", None)
        return None if path is None else Path(path)

    def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the packed state of each key, in the order asked, in one round trip."""
        if not keys:
            return []
        if self._own is not None:
            return self._own.read_states(self._config, user_state, STATE, keys)
        asked = [self._entity(key) for key in keys]
        found = self._store.online_read(self._config, user_state, asked, [STATE])
        return [values[STATE].bytes_val if values and STATE in values else None for _, values in found]

    def close(self) -> None:
        """Let the file go, where it is one of ours."""
        if self._own is not None:
            self._own.disconnect()

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the states of these keys. Feast's interface has no word for it: the store must be ours."""
        store = cast("StateSqliteOnlineStore", self._store)
        store.online_delete(self._config, user_state, [self._entity(key) for key in keys])
        self._entity.cache_clear()

    def write(self, rows: Sequence[tuple[str, bytes, int]]) -> None:
        """Store (key, packed state, moment in µs) for each row, in one round trip."""
        if not rows:
            return
        if self._own is not None:
            self._own.write_states(self._config, user_state, STATE, rows)
            return
        data: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = []
        for key, packed, known_at in rows:
            at = datetime.fromtimestamp(known_at / 1e6, UTC)
            data.append((self._entity(key), {STATE: Value(bytes_val=packed)}, at, at))
        self._store.online_write_batch(self._config, user_state, data, None)
