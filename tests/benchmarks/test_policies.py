"""A running server is given fewer of the shipped triggers, and is measured once nothing waits by the others."""

import json
import sqlite3
import sys
import urllib.request
from contextlib import closing

from benchmarks.policies import SHIPPED, first, put_in_service, triggers_of
from benchmarks.servers import free_port, start
from policy.source import load, parse

WAITING = "\n  - {name: cart-left, on: Product Added, after: 30 min, threshold: 0, cool_down: 1d, mode: dry_run}\n"


def test_the_first_of_the_shipped_triggers_are_as_they_are_shipped() -> None:
    shipped = load(SHIPPED).triggers

    assert [parse(first(count)).triggers for count in (1, len(shipped))] == [shipped[:1], shipped]
    assert shipped[0].name == "warm-cart"
    assert not parse(first(0)).triggers


def test_nothing_waits_by_the_policy_before_once_another_is_in_service(tmp_path) -> None:
    triggers_of(tmp_path).write_text(f"format: 1\ntriggers:{WAITING}")
    port = free_port()
    settings = {
        "OPPORTUNE_HOME": str(tmp_path),
        "OPPORTUNE_PORT": str(port),
        "OPPORTUNE_TRIGGERS": str(triggers_of(tmp_path)),
    }
    command = [sys.executable, "-m", "serving"]
    server = start("ours", command, port=port, log=tmp_path / "server.log", env=settings)
    try:
        events = [
            {"type": "track", "event": "Product Added", "userId": f"u{n}", "messageId": f"m-{n}"} for n in range(300)
        ]
        body = json.dumps({"batch": events}).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/batch", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(asked, timeout=30).close()
        before = counted(tmp_path, "SELECT count(*) FROM timers")
        put_in_service(first(1), tmp_path, port=port, key="")
        after = counted(tmp_path, "SELECT count(*) FROM timers")
        ended = counted(tmp_path, "SELECT count(*) FROM decisions WHERE reason = 'policy_changed'")
    finally:
        server.stop()

    assert (before, after, ended) == (300, 0, 300)


def counted(home, query):
    with closing(sqlite3.connect(home / "opportune.db")) as connection:
        return connection.execute(query).fetchone()[0]
