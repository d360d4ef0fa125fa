"""What becomes of what waits when the policy changes: timers and messages are kept, ended or withdrawn, and say so."""

import asyncio
import json

import pytest

from policy.source import parse
from policy.timing import timing
from serving import policy_sequel
from serving.policy_change import Change, in_service, left_over, settle
from serving.policy_sequel import follow, in_words
from tests.serving.engines import Shop, event, shops

__all__ = ["shops"]
CART = {"properties": {"cart_id": "c", "product_id": "p", "price": 2, "quantity": 1}}
WAITING = """
  - name: abandoned
    on: Product Added
    after: 30 min
    threshold: 0
    cool_down: 1h
    hold_out: 0
    mode: live
"""
AT_ONCE = """
  - name: at-once
    on: Product Added
    threshold: 0
    cool_down: 1h
    hold_out: 0
    mode: live
"""
BOTH = f"triggers:{WAITING}{AT_ONCE}"
DECIDED = "SELECT trigger, action, reason, policy_version FROM decisions ORDER BY at, trigger"
MESSAGES = "SELECT trigger, status, last_error FROM outbox ORDER BY trigger"
WITHDRAWN = "policy_changed: The policy file changed: the trigger was taken out of it, or is no longer live."


@pytest.fixture
def shop(shops):
    """A shop with a trigger that waits and one that does not; its clock is that of a replay."""
    return shops(BOTH)


async def put(shop, text):
    """Put a policy in service, and do what follows from that."""
    policy = parse(text)
    change = await shop.engine.replace_policy(policy)
    await follow(shop.engine, shop.database, policy, change)
    return change


async def until(shop, minutes):
    await shop.until(minutes * 60)


def waiting(shop):
    return shop.rows("SELECT trigger FROM timers")


async def test_a_trigger_that_is_taken_out_ends_its_timers_and_withdraws_its_messages(shop, caplog):
    caplog.set_level("INFO")
    await put(shop, BOTH)
    await shop.engine.ingest([event("Product Added", user, 0, **CART) for user in "uvw"])
    change = await put(shop, "triggers: []")

    assert change == Change(
        version=parse("triggers: []").version,
        before=parse(BOTH).version,
        removed=("abandoned", "at-once"),
    )
    assert waiting(shop) == []
    assert shop.rows(DECIDED) == [
        *[("at-once", "send", "sent", parse(BOTH).version)] * 3,
        *[("abandoned", "hold", "policy_changed", change.version)] * 3,
    ]
    assert shop.rows(MESSAGES) == [("at-once", "withdrawn", WITHDRAWN)] * 3
    assert caplog.messages[-1] == (
        f"policy {change.version} is in service instead of {change.before}; triggers: 2 removed (abandoned, at-once); "
        "3 timers ended, 3 messages withdrawn, 0 timers wait on"
    )


async def test_whoever_asks_why_finds_what_ended_in_the_ledger(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await put(shop, "triggers: []")
    [(decision_id, evaluation_id, user_no, event_seq)] = shop.rows(
        "SELECT d.decision_id, v.decision_id, v.user_no, d.event_seq FROM decisions d"
        " JOIN evaluations v ON d.trigger_decision_id LIKE v.decision_id || '.%' WHERE d.reason = 'policy_changed'"
    )

    assert decision_id == evaluation_id
    assert (user_no, event_seq) == (1, 1)


async def test_a_trigger_that_is_no_longer_live_withdraws_its_messages_and_waits_on(shop):
    await put(shop, BOTH)
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    change = await put(shop, BOTH.replace("mode: live", "mode: dry_run"))
    await until(shop, 31)

    assert change.changed == ("abandoned", "at-once")
    assert shop.rows(MESSAGES) == [("at-once", "withdrawn", WITHDRAWN)]
    assert shop.rows(DECIDED)[-1] == ("abandoned", "hold", "dry_run", change.version)


async def test_with_test_users_only_the_messages_to_these_stay(tmp_path):
    shop = Shop(tmp_path, policy=BOTH)
    await shop.engine.ingest([event("Product Added", user, 0, **CART) for user in "ut"])
    await shop.engine.write(lambda c: c.exec_driver_sql("UPDATE users SET excluded = 'test' WHERE user_key = 't'"))
    await put(shop, BOTH.replace("mode: live", "mode: test_profiles"))
    status = shop.rows("SELECT user_key, status FROM outbox JOIN users USING (user_no) ORDER BY user_key")

    assert status == [("t", "pending"), ("u", "withdrawn")]
    shop.close()


async def test_a_changed_trigger_keeps_its_moment_and_decides_by_the_new_rules(shop):
    await put(shop, BOTH)
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    before = shop.rows("SELECT trigger, due_at FROM timers")
    change = await put(shop, BOTH.replace("after: 30 min\n    threshold: 0", "after: 5 min\n    threshold: 90%"))
    kept = shop.rows("SELECT trigger, due_at FROM timers")
    await until(shop, 31)

    assert before == kept != []
    assert change.changed == ("abandoned",)
    assert [status for _, status, _ in shop.rows(MESSAGES)] == ["pending"]
    assert shop.rows(DECIDED)[-1] == ("abandoned", "hold", "below_threshold", change.version)


async def test_a_timer_that_comes_due_before_it_was_ended_says_the_same(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    policy = parse(f"triggers:{WAITING.replace('abandoned', 'another')}")
    await shop.engine.replace_policy(policy)
    await until(shop, 31)

    assert shop.rows(DECIDED)[-1] == ("abandoned", "hold", "policy_changed", policy.version)
    assert waiting(shop) == []


async def test_a_step_that_is_gone_ends_and_the_steps_before_it_go_on(tmp_path):
    steps = "\n    steps: [{after: 1h}, {after: 1d}]\n"
    shop = Shop(tmp_path, policy=f"triggers:{WAITING.rstrip()}{steps}")
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await shop.engine.write(
        lambda c: c.exec_driver_sql(
            "INSERT INTO timers (user_no, trigger, step, key, due_at, armed_at, event_seq)"
            " SELECT user_no, trigger, 2, key, due_at, armed_at, event_seq FROM timers"
        )
    )
    await put(shop, f"triggers:{WAITING.rstrip()}{steps.replace(', {after: 1d}', '')}")

    assert shop.rows("SELECT trigger, step FROM timers") == [("abandoned", 0)]
    assert shop.rows("SELECT step, reason FROM decisions") == [(2, "policy_changed")]
    shop.close()


async def test_a_file_that_changed_while_the_server_was_down_is_one_that_changed(shop, tmp_path):
    await put(shop, BOTH)
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    again = Shop(tmp_path, policy=f"triggers:{AT_ONCE}")
    change = await put(again, f"triggers:{AT_ONCE}")

    assert (change.before, change.removed) == (parse(BOTH).version, ("abandoned",))
    assert again.rows(DECIDED)[-1][:3] == ("abandoned", "hold", "policy_changed")
    assert again.rows(MESSAGES)[0][:2] == ("at-once", "pending")
    again.close()


async def test_the_same_file_again_changes_nothing_unless_something_was_left_to_do(shop):
    first = await shop.engine.replace_policy(parse(BOTH))
    killed_before_it_was_done = await shop.engine.replace_policy(parse(BOTH))
    await shop.engine.write(lambda c: settle(c, parse(BOTH).version))
    with shop.database.connect() as connection:
        since = in_service(connection).since
    again = await shop.engine.replace_policy(parse(BOTH))

    assert first.added == ("abandoned", "at-once")
    assert killed_before_it_was_done == Change(first.version, first.version)
    assert again is None
    assert [json.loads(row[0])["since"] for row in shop.rows("SELECT value FROM facts WHERE name = 'policy'")] == [
        since
    ]


async def test_only_what_no_trigger_knows_is_left_over(shop):
    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    with shop.database.connect() as connection:
        by_same, by_other = (
            left_over(connection, timing(parse(each)), after=None, at_most=9) for each in (BOTH, f"triggers:{AT_ONCE}")
        )
        further = left_over(connection, timing(parse(f"triggers:{AT_ONCE}")), after=by_other[-1], at_most=9)

    assert by_same == further == []
    assert [(each.user_key, each.trigger, each.step) for each in by_other] == [("u", "abandoned", 0)]
    assert [(each.due_at, each.event_seq) for each in by_other] == shop.rows("SELECT due_at, event_seq FROM timers")


def test_the_line_in_the_log_says_what_is_new_too():
    change = Change("b", "a", added=("x",), removed=(), changed=("y", "z"))

    assert in_words(change, ended=1000, withdrawn=1200, waiting=2) == (
        "policy b is in service instead of a; triggers: 1 added (x), 2 changed (y, z); "
        "1,000 timers ended, 1,200 messages withdrawn, 2 timers wait on"
    )
    assert in_words(Change("b", None), ended=0, withdrawn=0, waiting=0).startswith(
        "policy b is in service; triggers: as before; "
    )


async def test_what_the_next_policy_would_send_again_is_not_withdrawn_by_the_one_before(shop, monkeypatch):
    monkeypatch.setattr(policy_sequel, "AT_ONCE", 1)
    await shop.engine.ingest([event("Product Added", f"u{n}", 0, **CART) for n in range(20)])
    dry = parse(BOTH.replace("mode: live", "mode: dry_run"))
    change = await shop.engine.replace_policy(dry)
    under_way = asyncio.create_task(follow(shop.engine, shop.database, dry, change))
    while not shop.rows("SELECT 1 FROM outbox WHERE status = 'withdrawn'"):
        await asyncio.sleep(0.001)
    await shop.engine.replace_policy(parse(BOTH))
    already = shop.rows("SELECT count(*) FROM outbox WHERE status = 'withdrawn'")
    await under_way

    assert shop.rows("SELECT count(*) FROM outbox WHERE status = 'withdrawn'") == already
    assert already[0][0] < 20
