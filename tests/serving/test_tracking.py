"""Where consent to tracking is required, whoever did not give it is nowhere, whatever they send."""

import pytest
from msgspec.structs import replace

from serving.database import for_writing
from serving.history_append import append_history
from serving.items import Fate
from tests.serving.engines import SECOND, START, WAYS, Shop, event

CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
KEYS = "SELECT user_key FROM users ORDER BY user_no"
EVENTS = "SELECT u.user_key, e.name, e.message_id FROM events e JOIN users u USING (user_no) ORDER BY seq"
SECRETS = (b"ann-17", b"browser-of-ann", b"ann@example.org", b"Secret Name")


@pytest.fixture
def strict(tmp_path):
    """A shop that must be allowed to track."""
    opened = Shop(tmp_path, tracking="tracking")
    yield opened
    opened.close()


def said(granted, at, user="ann-17", **fields):
    """What somebody states."""
    return event("", user, at, type="identify", traits={"consents": {"tracking": granted}}, **fields)


def remembered(granted, name, at, user="ann-17", **fields):
    """An event that carries what a browser remembers."""
    return event(name, user, at, context={"consent": {"categoryPreferences": {"tracking": granted}}}, **fields)


async def fates(shop, *events):
    taken = await shop.engine.ingest(list(events))
    return taken.accepted, taken.untracked


def logged(shop):
    return [name for _, name, _ in shop.rows(EVENTS)]


def everything(shop):
    tables = [name for (name,) in shop.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: shop.rows(f"SELECT * FROM {name}") for name in tables if name not in {"alembic_version", "facts"}}


async def test_of_somebody_who_said_nothing_nothing_is_stored_anywhere(strict):
    before = everything(strict)
    mine = [
        event("Product Added", "ann-17", 1, anonymousId="browser-of-ann", **CART),
        event("", "ann-17", 2, type="identify", anonymousId="browser-of-ann", traits={"email": "ann@example.org"}),
        event("Secret Name", None, 3, anonymousId="browser-of-ann"),
        event("Unsubscribed", "ann-17", 4, properties={"email": "ann@example.org"}),
    ]

    assert await fates(strict, *mine) == (0, 4)
    answer = await strict.engine.score([("ann-17", None)], event=event("Product Added", "ann-17", 5, **CART))
    again = await strict.engine.score([("ann-17", None), (None, "browser-of-ann")])
    await strict.engine.flush()

    assert [(each.known, each.untracked, each.decisions) for each in (*answer.scores, *again.scores)] == [
        (False, True, [])
    ] * 3
    assert answer.scores[0].fate is Fate.UNTRACKED
    assert everything(strict) == before
    files = [each for each in strict.home.rglob("*") if each.is_file()]
    assert len(files) >= 2
    assert [(each.name, word) for each in files for word in SECRETS if word in each.read_bytes()] == []


async def test_an_event_that_carries_the_consent_is_stored_and_all_that_follow(strict):
    assert await fates(
        strict,
        event("Product Viewed", "ann-17", 1),
        remembered(True, "Product Added", 2),
        event("Product Viewed", "ann-17", 3),
    ) == (2, 1)
    assert await fates(strict, event("Order Completed", "ann-17", 4)) == (1, 0)
    assert logged(strict) == ["Product Added", "Product Viewed", "Order Completed"]

    answer = await strict.engine.score([("ann-17", None)])
    assert (answer.scores[0].known, answer.scores[0].untracked) == (True, False)


async def test_consent_to_something_else_lets_nothing_in(strict):
    marketing = event("", "ann-17", 1, type="identify", traits={"consents": {"marketing": True}})
    narrow = event("", "ann-17", 2, type="identify", traits={"consents": {"tracking:email": True}})

    assert await fates(strict, marketing, narrow) == (0, 2)


async def test_a_refusal_leaves_a_hash_and_nothing_that_says_whose(strict):
    await fates(strict, said(False, 1, anonymousId="browser-of-ann"), event("Product Viewed", "ann-17", 2))
    rows = strict.rows("SELECT key_hash, at FROM refusals")

    assert [at for _, at in rows] == [START + SECOND] * 2
    assert strict.rows(KEYS) == []
    assert "ann" not in repr(everything(strict))
    # What a browser remembers overturns no refusal, however much later.
    assert await fates(strict, remembered(True, "Product Added", 9)) == (0, 1)
    assert strict.rows("SELECT key_hash, at FROM refusals") == rows


async def test_whoever_says_yes_after_a_no_is_tracked_from_then_on_under_all_ids_they_say_it_with(strict):
    await fates(strict, said(False, 1, anonymousId="browser-of-ann"))

    assert await fates(strict, said(True, 2, anonymousId="browser-of-ann")) == (1, 0)
    assert strict.rows("SELECT * FROM refusals") == []
    assert await fates(strict, event("Product Viewed", "ann-17", 3, anonymousId="browser-of-ann")) == (1, 0)
    # A no that was said earlier and arrives late changes nothing.
    assert await fates(strict, said(False, 1.5)) == (1, 0)


WAITING = """
format: 1
triggers:
  - name: later
    on: Product Added
    after: 1h
    horizon: 24h
    threshold: 0%
    cool_down: 1d
    mode: live
"""


async def test_a_withdrawal_ends_what_its_own_batch_let_wait(tmp_path):
    shop = Shop(tmp_path, policy=WAITING, tracking="tracking")
    await fates(shop, said(True, 1))

    assert await fates(shop, event("Product Added", "ann-17", 2, **CART), said(False, 3)) == (1, 1)

    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]
    shop.close()


async def test_a_withdrawal_taken_back_in_its_own_batch_excludes_nobody(strict):
    await fates(strict, said(True, 1))

    assert await fates(strict, said(False, 2), said(True, 3)) == (1, 1)

    assert strict.rows("SELECT excluded FROM users") == [(None,)]


async def test_a_withdrawal_stops_it_and_what_waited_and_leaves_what_was_there(tmp_path):
    shop = Shop(tmp_path, policy=WAITING, tracking="tracking")
    await fates(shop, said(True, 1), event("Product Added", "ann-17", 2, **CART))
    assert shop.rows("SELECT count(*) FROM timers") == [(1,)]

    assert await fates(shop, said(False, 3), event("Product Viewed", "ann-17", 4)) == (0, 2)
    assert await fates(shop, event("Product Viewed", "ann-17", 5)) == (0, 1)
    assert (await shop.engine.score([("ann-17", None)])).scores[0].known is False
    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]
    assert logged(shop) == ["Identified", "Product Added"]
    consent = shop.rows("SELECT purpose, granted, at FROM consents")
    assert consent == [("tracking", 0, START + 3 * SECOND)]
    assert shop.rows("SELECT excluded FROM users") == [("untracked",)]

    await fates(shop, said(True, 9), event("Product Added", "ann-17", 10, **CART))
    assert shop.rows("SELECT excluded FROM users") == [(None,)]
    assert shop.rows("SELECT count(*) FROM timers") == [(1,)]
    shop.close()


@WAYS
async def test_what_was_decided_before_a_refusal_is_decided_and_then_taken_back_however_events_are_cut(
    tmp_path, arrive
):
    plain = "{on: Product Added, threshold: 0, cool_down: 0, hold_out: 0, mode: live, name"
    policy = f"""
format: 1
triggers:
  - {plain}: at-once}}
  - {plain}: step-by-step, steps: [{{after: 1h}}]}}
  - {plain}: put-off, send_within: 8h, guards: {{not_while_browsing: true}}}}
"""
    shop = Shop(tmp_path, policy=policy, tracking="tracking")
    await arrive(shop, said(True, 1), event("Product Added", "ann-17", 2, **CART), said(False, 3))

    assert shop.rows("SELECT trigger, reason FROM decisions ORDER BY trigger") == [
        *(("at-once", "sent"), ("put-off", "put_off"), ("step-by-step", "sent"))
    ]
    taken_back = "SELECT status, substr(last_error, 1, 13) FROM outbox"
    assert shop.rows(taken_back) == [("withdrawn", "excluded_user")] * 2
    assert shop.rows("SELECT count(*) FROM timers") == [(0,)]
    shop.close()


async def test_an_opt_out_of_somebody_who_is_not_tracked_any_more_still_counts(strict):
    await fates(strict, said(True, 1), said(False, 2))
    no_mail = event("", "ann-17", 3, type="identify", traits={"consents": {"marketing": False}, "email": "a@b.example"})
    await fates(strict, event("Unsubscribed", "ann-17", 4), no_mail)

    assert strict.rows("SELECT subject, channel, reason FROM suppressions") == [("ann-17", "email", "unsubscribed")]
    assert strict.rows("SELECT granted FROM consents WHERE purpose = 'marketing'") == [(0,)]
    assert strict.rows("SELECT * FROM addresses") == []
    assert len(logged(strict)) == 1


@pytest.mark.parametrize("refusing", ["ann-17", None], ids=["the user refused", "their browser did"])
async def test_of_two_ids_that_one_event_names_the_stricter_wins(strict, refusing):
    granting = (None, "browser-of-ann") if refusing else ("ann-17", None)
    ids = {"anonymousId": "browser-of-ann"}
    yes = said(True, 1, user=granting[0], **(ids if refusing else {}))
    no = said(False, 2, user=refusing, **({} if refusing else ids))
    assert await fates(strict, yes, no) == (1, 1)

    both = event("", "ann-17", 3, type="identify", anonymousId="browser-of-ann")
    assert await fates(strict, both) == (0, 1)
    assert await fates(
        strict, event("Product Viewed", "ann-17", 4), event("Product Viewed", None, 5, anonymousId="browser-of-ann")
    ) == (0, 2)
    assert strict.rows("SELECT excluded FROM users") == [("untracked",)]
    assert strict.rows("SELECT granted FROM consents") == [(0,)]


async def test_an_id_that_said_nothing_is_tracked_once_it_is_linked_to_one_that_agreed(strict):
    anonymous = event("Product Viewed", None, 1, anonymousId="browser-of-ann")
    link = event("", "ann-17", 3, type="identify", anonymousId="browser-of-ann")
    later = event("Product Viewed", None, 4, anonymousId="browser-of-ann")

    assert await fates(strict, anonymous, said(True, 2), link, later) == (3, 1)
    assert strict.rows(KEYS) == [("ann-17",), ("anonymous:browser-of-ann",)]


async def test_whoever_was_known_before_consent_was_required_is_not_tracked_on(tmp_path):
    before = Shop(tmp_path)
    await before.engine.ingest([event("Product Viewed", "ann-17", 1)])
    before.close()
    shop = Shop(tmp_path, tracking="tracking")

    assert await fates(shop, event("Product Viewed", "ann-17", 2)) == (0, 1)
    assert len(logged(shop)) == 1
    shop.close()


async def test_a_history_lets_in_only_whom_it_or_the_log_knows_to_agree(strict):
    past = [
        event("Product Viewed", "ann-17", -50),
        said(True, -40, user="bob"),
        event("Product Viewed", "bob", -30),
        said(False, -20, user="bob"),
        event("Product Viewed", "bob", -10),
    ]
    # As a stage hands them out: their payload is in the text only.
    staged = [replace(each, payload={}) for each in past]
    with for_writing(strict.database).begin() as connection:
        found = append_history(connection, staged, origin="import", received_at=START, tracking="tracking")

    assert found == {Fate.ACCEPTED: 2, Fate.UNTRACKED: 3}
    assert strict.rows(KEYS) == [("bob",)]
    assert await fates(strict, event("Product Viewed", "bob", 1)) == (0, 1)


async def test_where_consent_is_assumed_everybody_is_kept(tmp_path):
    shop = Shop(tmp_path)
    await shop.engine.ingest([said(False, 1), event("Product Viewed", "ann-17", 2)])

    assert len(logged(shop)) == 2
    assert shop.rows("SELECT * FROM refusals") == []
    shop.close()
