"""API keys: made, listed and revoked. Kept as SHA-256 only; a key is shown once, when it is made.

A key has 256 random bits, so a plain hash is as hard to invert as the key is to guess; passwords would need a slow one.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from serving.clock import wall
from serving.database import database_of_command, for_writing
from serving.schema import api_keys
from serving.settings import settings_of_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

INGEST, SCORE, ADMIN = "ingest", "score", "admin"
SCOPES = frozenset({INGEST, SCORE, ADMIN})
PREFIX = "opk_"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of an API key: its SHA-256 in hex, the name of its holder, its scopes."""

    key_hash: str
    name: str
    scopes: frozenset[str]


class KeyRefused(ValueError):
    """A key cannot be made like this."""


def read_keys(connection: Connection) -> list[Key]:
    """Return all keys that are in force."""
    rows = connection.execute(select(api_keys.c.key_hash, api_keys.c.name, api_keys.c.scopes)).all()
    return [Key(row.key_hash, row.name, frozenset(row.scopes.split(",")) & SCOPES) for row in rows]


def create_key(connection: Connection, name: str, scopes: frozenset[str], *, created_at: int) -> str:
    """Make a key and keep its hash; returns the key, which nobody can find out again. Raises KeyRefused."""
    if not name.strip() or len(name) > 100:
        raise KeyRefused("a key needs a name of 1 to 100 characters")
    if not scopes or not scopes <= SCOPES:
        raise KeyRefused(f"scopes are one or more of {', '.join(sorted(SCOPES))}, separated by commas")
    if connection.execute(select(api_keys.c.name).where(api_keys.c.name == name)).first():
        raise KeyRefused(f"there is a key named {name} already; revoke it first, or choose another name")
    key = PREFIX + secrets.token_urlsafe(32)
    key_hash = sha256(key.encode()).hexdigest()
    row = {"key_hash": key_hash, "name": name, "scopes": ",".join(sorted(scopes)), "created_at": created_at}
    connection.execute(insert(api_keys).values(row))
    return key


def revoke_key(connection: Connection, name: str) -> bool:
    """Put a key out of force; False when there is none of this name."""
    return connection.execute(delete(api_keys).where(api_keys.c.name == name)).rowcount > 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, list or revoke keys of the installation that the settings name; a server that runs follows in a second."""
    asked = _parser().parse_args(arguments)
    with (
        database_of_command(settings_of_process().database) as database,
        for_writing(database).begin() as connection,
    ):
        try:
            return _COMMANDS[asked.command](connection, asked)
        except KeyRefused as error:
            sys.stderr.write(f"error: {error}\n")
            return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.keys", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a key, and print it once")
    create.add_argument("--name", required=True, help="who holds it")
    create.add_argument("--scopes", required=True, help="ingest, score, admin: one or more, separated by commas")
    commands.add_parser("list", help="names, scopes and ages of all keys")
    revoke = commands.add_parser("revoke", help="put a key out of force")
    revoke.add_argument("--name", required=True)
    return parser


def _create(connection: Connection, asked: argparse.Namespace) -> int:
    scopes = frozenset(scope.strip() for scope in asked.scopes.split(","))
    key = create_key(connection, asked.name, scopes, created_at=wall())
    sys.stdout.write(f"{key}\n")
    sys.stderr.write("This is the only time the key is shown.\n")
    return 0


def _list(connection: Connection, _asked: argparse.Namespace) -> int:
    for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at)):
        made = datetime.fromtimestamp(row.created_at / 1e6, UTC)
        sys.stdout.write(f"{row.name}\t{row.scopes}\t{made:%Y-%m-%d %H:%M:%SZ}\n")
    return 0


def _revoke(connection: Connection, asked: argparse.Namespace) -> int:
    if revoke_key(connection, asked.name):
        if not read_keys(connection):
            sys.stderr.write("No key is left: whoever reaches a server on loopback may do everything; make another.\n")
        return 0
    sys.stderr.write(f"error: there is no key named {asked.name}\n")
    return 1


_COMMANDS = {"create": _create, "list": _list, "revoke": _revoke}

if __name__ == "__main__":
    sys.exit(main())
