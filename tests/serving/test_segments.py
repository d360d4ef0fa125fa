"""Segments beside the requests: changed files, imported history, time that passes, who is told, the audit."""

import json

import pytest
from sqlalchemy import text

from policy.source import parse
from serving.history_append import append_history
from serving.segment_audit import audit
from serving.segments import adopt, tend_all
from tests.serving.engines import SECOND, START, Shop, event, shops

__all__ = ["shops"]
DAY = 24 * 3600
POLICY = """
segments:
  - name: buyers
    notify: crm
    when:
      count: {event: Order Completed, within: 30d, at_least: 1}
  - name: likely
    when:
      intent: {horizon: 24h, at_least: 25%}
"""
CHANGES = "SELECT u.user_key, c.segment, c.at, c.entered, c.cause FROM segment_changes c JOIN users u USING (user_no)"
MEMBERS = "SELECT u.user_key, m.segment FROM segment_members m JOIN users u USING (user_no)"


@pytest.fixture
def shop(shops):
    return shops(POLICY)


async def pass_time(shop, at):
    """Let the replay's clock reach a moment, and everybody be looked at who is due."""
    await shop.until(at)
    return await tend_all(shop.engine, shop.database)


def audited(shop):
    with shop.database.connect() as connection:
        return audit(connection, shop.engine.policy, shop.tools.scorer)


async def test_who_enters_and_leaves_is_logged_and_told_in_the_same_transaction(shop):
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    await shop.engine.ingest([event("Order Completed", "u")])
    await pass_time(shop, 31 * DAY)

    bought, lapsed = START + 1, START + 30 * DAY * SECOND
    changes = [each for each in shop.rows(CHANGES) if each[1] == "buyers"]
    bodies = [json.loads(body) for (body,) in shop.rows("SELECT body FROM outbox ORDER BY due_at")]
    assert changes == [("u", "buyers", bought, 1, "event"), ("u", "buyers", lapsed, 0, "time")]
    assert [(each["type"], each["data"]["user_id"], each["data"]["segment"]) for each in bodies] == [
        ("segment.entered", "u", "buyers"),
        ("segment.left", "u", "buyers"),
    ]
    assert shop.rows("SELECT DISTINCT endpoint, user_no, trigger FROM outbox") == [("crm", 1, None)]
    assert shop.woken


async def test_nobody_is_told_of_a_segment_that_may_have_been_so_before_it_was_in_the_file(shop):
    await shop.engine.ingest([event("Order Completed", "u")])

    assert shop.rows("SELECT user_no FROM segment_members WHERE segment = 'buyers'") == [(1,)]
    assert shop.rows("SELECT * FROM outbox") == []


async def test_an_event_that_no_segment_looks_at_looks_at_nobody(tmp_path):
    shop = Shop(tmp_path, policy=POLICY[: POLICY.index("  - name: likely")])
    await shop.engine.ingest([event("Page Viewed", "u")])
    before = shop.rows("SELECT * FROM segment_looks")
    await shop.engine.ingest([event("Page Viewed", "u", 5)])

    assert shop.rows("SELECT * FROM segment_looks") == before
    assert shop.engine.policy.segment_rules.touched_by(1, "Page Viewed") == ()
    shop.close()


async def test_what_looks_at_intent_is_looked_at_each_day_and_not_for_ever(shop):
    await shop.engine.ingest([event("Page Viewed", "u")])
    known_at = shop.rows("SELECT max(last_known_at) FROM users")[0][0]

    assert shop.rows("SELECT looked_at, due_at FROM segment_looks") == [(known_at, known_at + DAY * SECOND)]
    await pass_time(shop, 200 * DAY)
    await pass_time(shop, 201 * DAY)
    assert shop.rows("SELECT due_at FROM segment_looks") == [(None,)]


async def test_a_segment_that_is_new_in_the_file_is_computed_for_everybody_and_told_to_nobody(shop):
    await shop.engine.ingest([event("Order Completed", "u"), event("Page Viewed", "v")])
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    await tend_all(shop.engine, shop.database)
    sent = shop.rows("SELECT count(*) FROM outbox")
    with_visitors = parse(POLICY + "  - {name: visitors, notify: crm, when: {visits: {within: 9d, at_least: 1}}}\n")

    await shop.engine.replace_policy(with_visitors)
    await adopt(shop.engine, with_visitors.segment_rules)
    await tend_all(shop.engine, shop.database)

    assert {each for each in shop.rows(MEMBERS) if each[1] == "visitors"} == {("u", "visitors"), ("v", "visitors")}
    assert {each[4] for each in shop.rows(CHANGES) if each[1] == "visitors"} == {"recomputed"}
    assert shop.rows("SELECT count(*) FROM outbox") == sent
    assert audited(shop).differences == []


async def test_a_segment_that_is_gone_from_the_file_has_nobody_in_it(shop, caplog):
    await shop.engine.ingest([event("Order Completed", "u")])
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    caplog.set_level("INFO")
    fewer = parse(POLICY[POLICY.index("segments") : POLICY.index("  - name: likely")])

    await shop.engine.replace_policy(fewer)
    await adopt(shop.engine, fewer.segment_rules)

    assert shop.rows(MEMBERS) == [("u", "buyers")]
    assert "likely gone, which 1 people were in" in caplog.text
    await shop.engine.replace_policy(parse(""))
    await adopt(shop.engine, parse("").segment_rules)
    assert shop.rows("SELECT * FROM segment_members") == shop.rows("SELECT * FROM segment_looks") == []
    assert shop.rows("SELECT * FROM facts WHERE name = 'segments'") == []


async def test_who_is_imported_is_looked_at_under_all_their_ids(shop):
    await shop.engine.ingest([event("Order Completed", "u", 5 * DAY), event("Page Viewed", "v", 6 * DAY)])
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    await tend_all(shop.engine, shop.database)
    imported = [
        event("", "v", 3 * DAY, type="alias", previousId="u"),
        event("Order Completed", "w", 4 * DAY),
    ]
    with shop.database.begin() as connection:
        append_history(connection, imported, origin="import", received_at=START + 7 * DAY * SECOND)

    assert audited(shop).waiting == 2
    await pass_time(shop, 7 * DAY)

    assert {each for each in shop.rows(MEMBERS) if each[1] == "buyers"} == {("v", "buyers"), ("w", "buyers")}
    assert (audited(shop).differences, audited(shop).waiting) == ([], 0)


async def test_the_audit_finds_who_is_missing_and_who_should_not_be_there(shop):
    await shop.engine.ingest([event("Order Completed", "u"), event("Page Viewed", "v")])
    assert (audited(shop).people, audited(shop).members, audited(shop).differences) == (2, 3, [])
    with shop.database.begin() as connection:
        connection.execute(text("DELETE FROM segment_members WHERE user_no = 1 AND segment = 'buyers'"))
        connection.execute(text("INSERT INTO segment_members VALUES ('buyers', 2, 5), ('no-such', 1, 5)"))

    assert sorted(audited(shop).differences) == [
        ("u", "buyers", False),
        ("u", "no-such", True),
        ("v", "buyers", True),
    ]


async def test_an_erased_person_is_in_no_segment_and_in_no_message(shop):
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    await shop.engine.ingest([event("Order Completed", "u")])
    assert shop.rows("SELECT count(*) FROM outbox") == [(1,)]
    await shop.engine.erase("u")

    for table in ("segment_members", "segment_looks", "segment_changes", "outbox"):
        assert shop.rows(f"SELECT * FROM {table}") == []
