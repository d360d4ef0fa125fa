"""Two shops live through the same, one forgets as it goes: what is served, rebuilt and read of the past is the same."""

import asyncio
import tempfile
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.clock import wall
from serving.database import for_writing
from serving.forgetting import forget_ledger
from serving.history_append import append_history
from serving.log import LOG_BEGINS_AT
from serving.log_retention import OldEvents, forget_events
from serving.past import state_at
from serving.rebuild import rebuild
from tests.contract.running import opened, running
from tests.serving.databases import rows
from tests.serving.engines import SECOND, START, Shop, event
from training.log import read_log

HOUR = 3600
IDS = ("u", "w", "a", "b", "c")
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Email Opened")
QUIET = "format: 1\ntriggers: []\n"

happenings = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from([*NAMES, "identify", "identify", "alias", "forget", "forget"]),
    st.sampled_from(IDS),
    st.integers(1, 30),
    st.integers(0, 50),
)
"""Whose, what, the other id, hours since the one before, minutes late; of `forget`, how many hours are spared."""


def ids_of(who):
    return {"userId": who} if who in "uw" else {"anonymousId": who}


def as_event(who, name, other, hour, late):
    at = hour * HOUR - late * 60
    if name == "identify" and who in "uw" and other not in "uw":
        return event("", who, at, type="identify", anonymousId=other)
    if name == "alias" and who in "uw" and other != who:
        return event("", who, at, type="alias", previousId=other)
    name = name if name in NAMES else "Product Viewed"
    properties = {"product_id": other, "price": 2, "quantity": 1, "order_id": f"o{hour}{who}", "total": 5}
    return event(name, None, at, properties=properties, **ids_of(who))


def forget(shop, before):
    with for_writing(shop.database).begin() as connection:
        forget_ledger(connection, before=before, at_once=10_000)
    old = OldEvents(shop.database)
    for start in old.slices():
        people = old.people(start, before=before, is_last=True)
        with for_writing(shop.database).begin() as connection:
            forget_events(connection, people, before=before)


def keys(shop):
    return [key for (key,) in shop.rows("SELECT user_key FROM users ORDER BY user_no")]


def begins_at(shop):
    return int((shop.rows(LOG_BEGINS_AT) or [(0,)])[0][0])


def past(shop, moments):
    with shop.database.connect() as connection:
        return [state_at(connection, key, at).features.tobytes() for at in moments for key in keys(shop)]


def rebuilt(shop):
    with for_writing(shop.database).begin() as connection:
        rebuild(connection, shop.keeper)
    return shop.online.read(keys(shop))


async def live(whole, forgetful, steps):
    """Let both live through the same; every answer must be the same."""
    hour = 0
    for who, name, other, hours, minutes in steps:
        hour += hours
        if name == "forget":
            forget(forgetful, START + (hour - 2 - minutes % 8) * HOUR * SECOND)
            continue
        happened = as_event(who, name, other, hour, minutes)
        user = (happened.user_id, happened.anonymous_id)
        answers = [await shop.engine.score([user], event=happened) for shop in (whole, forgetful)]
        assert answers[0].scores[0].features.tobytes() == answers[1].scores[0].features.tobytes()
    for shop in (whole, forgetful):
        await shop.engine.flush()
    return hour


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(happenings, min_size=12, max_size=30))
def test_forgetting_changes_nothing_that_is_still_asked_about(steps):
    with tempfile.TemporaryDirectory() as folder:
        whole, forgetful = (Shop(Path(folder) / name, policy=QUIET) for name in ("whole", "forgetful"))
        hour = asyncio.run(live(whole, forgetful, steps))
        begin = begins_at(forgetful)
        end = START + (hour + 1) * HOUR * SECOND
        moments = [at for at in range(end, START - 1, -7 * HOUR * SECOND) if at >= begin]

        assert keys(whole) == keys(forgetful)
        assert past(whole, moments) == past(forgetful, moments)
        stored = whole.online.read(keys(whole))
        assert rebuilt(forgetful) == rebuilt(whole) == stored
        assert same_owners(whole, forgetful, max(begin, START))
        for shop in (whole, forgetful):
            shop.close()


def same_owners(whole, forgetful, at):
    logs = [read_log(shop.home / "opportune.db") for shop in (whole, forgetful)]
    found = []
    for log in logs:
        users = log.user_nos.argsort()
        found.append(log.owners(users, users * 0 + at).tolist())
    return found[0] == found[1]


def test_a_server_forgets_what_its_settings_say_and_goes_on_serving_it(tmp_path):
    now = wall()
    days = [200, 150, 100, 20, 1]
    with opened(tmp_path) as database, for_writing(database).begin() as connection:
        old = [event("Product Added", "u", (now - START) / SECOND - each * 24 * HOUR) for each in days]
        append_history(connection, old, origin="import", received_at=now)
    with running(tmp_path, keep_events_days=60) as server, opened(tmp_path) as database:
        before = server.ask("GET", "/v1/users/u/features").json()
        deadline = time.monotonic() + 20
        while rows(database, "SELECT count(*) FROM events") != [(2,)] and time.monotonic() < deadline:
            time.sleep(0.05)
        after = server.ask("GET", "/v1/users/u/features").json()
        past = server.ask("POST", "/v1/score", {"user_id": "u", "at": "2020-01-01T00:00:00Z"})

        assert rows(database, "SELECT count(*) FROM events") == [(2,)]
        assert rows(database, "SELECT count(*) FROM kept_states") == [(1,)]
    assert cart(before) == cart(after)
    assert (past.status, past.json()["field"]) == (400, "at")


def cart(answer):
    return next(each["value"] for each in answer["features"] if each["name"] == "cart_items")
