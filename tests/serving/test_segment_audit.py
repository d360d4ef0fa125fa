"""The audit agrees with what is stored after any history, whatever segments look at."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.source import parse
from serving.history_append import append_history
from serving.segment_audit import audit, main
from serving.segments import adopt, tend_all
from tests.serving.engines import SECOND, START, Shop, event

DAY = 24 * 3600
POLICY = """
segments:
  - name: with-a-cart
    when:
      feature: {name: cart_items, at_least: 1}
  - name: likely-buyers
    when:
      all:
        - intent: {horizon: 24h, at_least: 25%}
        - segment: buyers
  - name: buyers
    when:
      count: {event: Order Completed, within: 20d, at_least: 1}
  - name: unanswered
    when:
      last: {n: 2, of: Email Delivered, none: Email Opened, within: 30d}
"""
MORE = POLICY + "  - {name: visitors, when: {visits: {within: 5d, at_least: 2}}}\n"
names = st.sampled_from(["Order Completed", "Page Viewed", "Product Added", "Email Delivered", "Email Opened"])
happenings = st.tuples(st.sampled_from("uvw"), names, st.sampled_from([0, 5, 60, 3000, 20_000]))
acts = st.lists(
    st.one_of(
        happenings,
        st.tuples(st.just("link"), st.sampled_from([("u", "v"), ("v", "w"), ("w", "u")]), st.just(1)),
        st.tuples(st.just("import"), st.sampled_from("uvwx"), st.just(7)),
        st.tuples(st.just("file"), st.sampled_from([POLICY, MORE]), st.just(1)),
        st.tuples(st.just("wait"), st.none(), st.sampled_from([100, 10_000, 300_000])),
    ),
    min_size=1,
    max_size=14,
)


async def act(shop, i, minute, what, of):
    at = minute * 60
    if what == "link":
        await shop.engine.ingest([event("", of[0], at, type="alias", previousId=of[1], n=i)])
    elif what == "import":
        past = [event("Order Completed", of, at - days * DAY, n=i) for days in (25, 19, 3)]
        with shop.database.begin() as connection:
            append_history(connection, past, origin="import", received_at=START + at * SECOND)
    elif what == "file":
        await shop.engine.replace_policy(parse(of))
        await adopt(shop.engine, shop.engine.policy.segment_rules)
    elif what == "wait":
        await shop.until(at)
        await tend_all(shop.engine, shop.database)
    else:
        await shop.engine.ingest([event(of, what, at, n=i, properties={"product_id": "a", "price": 5, "quantity": 1})])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts)
async def test_the_audit_finds_no_difference_whatever_happened(tmp_path_factory, acts):
    shop, minute = Shop(tmp_path_factory.mktemp("shop"), policy=POLICY), 60 * 24 * 60
    await adopt(shop.engine, shop.engine.policy.segment_rules)
    for i, (what, of, pause) in enumerate(acts):
        minute += pause
        await act(shop, i, minute, what, of)
    await shop.until((minute + 1) * 60)
    await tend_all(shop.engine, shop.database)
    with shop.database.connect() as connection:
        found = audit(connection, shop.engine.policy, shop.tools.scorer)
    shop.close()

    assert (found.differences, found.waiting) == ([], 0)


def test_the_command_says_what_differs_and_fails(tmp_path, monkeypatch, capsys):
    policy = tmp_path / "segments.yaml"
    policy.write_text(POLICY[: POLICY.index("  - name: likely")] + "triggers: []\n")
    shop = Shop(tmp_path, policy=policy.read_text())

    async def shopping():
        await shop.engine.ingest([event("Product Added", "u", properties={"product_id": "a", "quantity": 1})])

    asyncio.run(shopping())
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    monkeypatch.setenv("OPPORTUNE_TRIGGERS", str(policy))

    assert main() == 0
    assert "1 people and 1 memberships of 1 segments recomputed from the log, 0 differences" in capsys.readouterr().out
    with shop.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM segment_members")
    assert main() == 1
    assert "u is not stored in with-a-cart, and the log says otherwise" in capsys.readouterr().out
    policy.write_text("segments: []")
    assert main() == 1
    assert f"{policy}:1: has no `triggers:`" in capsys.readouterr().err
    shop.close()
