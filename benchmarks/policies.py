"""The shipped triggers, all or the first of them, in service of a server that runs."""

import json
import sqlite3
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Final

from policy.places import read_yaml

SHIPPED: Final = Path("triggers.yaml")
LOOK_EVERY_S: Final = 0.05
_SETTLED: Final = "SELECT value ->> 'version', value ->> 'settled' FROM facts WHERE name = 'policy'"


class NeverSettledError(Exception):
    """The server did not in time end what waited by the policy before."""


def first(count: int) -> str:
    """Return a policy file with the first so many of the shipped triggers."""
    shipped, _ = read_yaml(SHIPPED.read_text(), SHIPPED.name)
    return json.dumps({**shipped, "triggers": shipped["triggers"][:count]})


def triggers_of(home: Path) -> Path:
    """Return the policy file of a server that is measured."""
    return home / "triggers.yaml"


def put_in_service(text: str, home: Path, *, port: int, key: str, within_s: float = 120.0) -> None:
    """Have the server of a home decide by another policy, and wait until nothing is left to do of the one before.

    Raises:
        HTTPError: It was refused.
        NeverSettledError: Something was left to do after so many seconds.
    """
    triggers_of(home).write_text(text)
    version = _reloaded(port, key)
    until = time.perf_counter() + within_s
    with closing(sqlite3.connect(home / "opportune.db")) as connection:
        while connection.execute(_SETTLED).fetchone() != (version, 1):
            if time.perf_counter() > until:
                raise NeverSettledError(f"policy {version} after {within_s:.0f} s")
            time.sleep(LOOK_EVERY_S)


def _reloaded(port: int, key: str) -> str:
    """Ask the server to read its policy file, and return the version that is in service then."""
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/policy/reload", b"{}", head)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(json.load(answer)["version"])
