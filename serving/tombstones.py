"""What is left of somebody who was erased: a keyed hash of each id, and when; so that nothing brings them back.

A late event, a repeated one or an import of old history that happened before the erasure is dropped. One that happened
after it is the first of somebody new.
"""

import secrets
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from serving.driver import Driver, listed, scalar
from serving.facts import set_fact_once

SALT: Final = "SELECT value FROM facts WHERE name = 'tombstone_salt'"
"""With what keys are hashed; nothing while no hash was ever kept."""
_FIND: Final = "SELECT key_hash, erased_at FROM tombstones WHERE key_hash IN (SELECT value FROM json_each(?))"
_SET: Final = """
INSERT INTO tombstones (key_hash, erased_at) VALUES (?, ?)
ON CONFLICT (key_hash) DO UPDATE SET erased_at = max(tombstones.erased_at, excluded.erased_at)
"""


def erased_at(driver: Driver, keys: Iterable[str]) -> dict[str, int]:
    """Return when each of these keys was erased, in microseconds; nothing of those that never were."""
    return moments(driver, _FIND, keys)


def set_tombstones(driver: Driver, keys: Iterable[str], *, at: int) -> None:
    """Let nothing of these keys in any more that happened until `at` (µs); in the transaction that erases them."""
    make_salt(driver)
    driver.executemany(_SET, [(key_hash, at) for key_hash in hashes(driver, keys)])


def make_salt(driver: Driver) -> None:
    """Let `hashes` know keys from now on."""
    set_fact_once(driver, "tombstone_salt", secrets.token_hex(32))


def moments(driver: Driver, statement: str, keys: Iterable[str]) -> dict[str, int]:
    """Return what a statement finds for the hashes of these keys, by key: a JSON list in, hash and moment (µs) out."""
    by_hash = hashes(driver, keys)
    if not by_hash:
        # No hash was ever kept: the usual case costs one look.
        return {}
    found = driver.execute(statement, (listed(list(by_hash)),)).fetchall()
    return {by_hash[key_hash]: moment for key_hash, moment in found}


def hashes(driver: Driver, keys: Iterable[str]) -> dict[str, str]:
    """Return hash -> key of each of these; nothing while no hash was ever kept."""
    salt = scalar(driver, SALT)
    return {} if salt is None else {_hash(salt, key): key for key in keys}


def _hash(salt: str, key: str) -> str:
    return blake2b(key.encode(), digest_size=32, key=bytes.fromhex(salt)).hexdigest()
