"""A rehearsal: the real engine, on the clock of the events, with given scores, and nothing left behind."""

from math import nan
from pathlib import Path

import pytest

from features.events import BadEvent
from policy.source import parse
from serving.rehearsal import constants, rehearsal
from tests.serving.engines import MAPPING, SECOND, START, event

POLICY = parse("""
triggers:
  - {name: now, on: Product Added, threshold: 20%, cool_down: 0, hold_out: 0, mode: live}
  - {name: later, on: Product Added, after: 30 min, threshold: 20%, cool_down: 0, hold_out: 0, mode: live}
""")
MINUTE = 60 * SECOND


def open_one(probability=0.3, **given):
    return rehearsal(POLICY, constants({"24h": probability}), mapping=MAPPING, start=START, **given)


async def test_events_give_decisions_with_reasons_and_messages():
    with open_one() as shop:
        await shop.tell(event("Product Added", "u", 0))
        await shop.reach(START + 30 * MINUTE - 1)
        before = shop.decisions()
        await shop.end()
        decided, messages = shop.decisions(), shop.messages()

    assert [each.trigger for each in before] == ["now"]
    assert [(each.trigger, each.user_key, each.at, each.action, each.reason) for each in decided] == [
        ("now", "u", START + 1, "send", "sent"),
        ("later", "u", START + 1 + 30 * MINUTE, "send", "sent"),
    ]
    assert [each.decision_id for each in messages] == [each.decision_id for each in decided]
    assert {each.status for each in messages} == {"pending"}


async def test_plain_messages_are_read_as_a_server_reads_them():
    message = {"type": "track", "event": "Product Added", "userId": "u", "timestamp": START / SECOND + 60}
    with open_one() as shop:
        await shop.tell(message)
        [decided] = shop.decisions()

        assert decided.at == START + MINUTE
        with pytest.raises(BadEvent):
            await shop.tell(message | {"userId": None})


@pytest.mark.parametrize(("probability", "reason"), [(0.1, "below_threshold"), (nan, "no_score"), (1.0, "sent")])
async def test_the_score_is_the_given_one(probability, reason):
    with open_one(probability) as shop:
        await shop.tell(event("Product Added", "u", 0))

        assert [each.reason for each in shop.decisions()] == [reason]


async def test_many_events_are_told_as_few_are():
    events = [event("Product Added", f"u{n % 7}", n) for n in range(1200)]
    with open_one() as shop:
        await shop.tell(*events)
        await shop.end()

        assert len(shop.decisions()) == 1200 + 7


async def test_nothing_is_left_behind():
    with open_one() as shop:
        home = Path(shop.database.url.database).parent
        assert home.exists()

    assert not home.exists()
