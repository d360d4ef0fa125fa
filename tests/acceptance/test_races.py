"""Many requests about the same few people at once, and three dispatchers on one database: every promise holds."""

import asyncio
from collections import Counter

from serving import outbox
from serving.clock import wall
from serving.dispatcher import Dispatcher
from serving.endpoints import webhook
from serving.message import Message
from tests.acceptance.processes import serving
from tests.contract.running import opened
from tests.serving.databases import OwnTransactions, a_database, rows
from tests.serving.receivers import SECRET, receiving

POLICY = """
format: 1
triggers:
  - name: every-cart
    on: Product Added
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
    guards: {cap_per_trigger: {count: 3, window: 1h}, cap: {count: 5, window: 1h}}
  - name: every-view
    on: [Product Added, Product Viewed]
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
    guards: {cap: {count: 5, window: 1h}}
  - name: once
    on: Product Added
    threshold: 0
    cool_down: 1d
    hold_out: 0
    mode: live
  - name: left-behind
    on: Product Added
    after: 1s
    key: cart
    cancel_on: Order Completed
    threshold: 0
    cool_down: 1d
    hold_out: 0
    mode: live
"""
PEOPLE = 4
REQUESTS = 256
ORDER = ("every-cart", "every-view", "once", "left-behind")
SENT = """
SELECT coalesce(u.merged_into, u.user_no), d.at, d.trigger FROM decisions d JOIN users u USING (user_no)
WHERE d.action = 'send'
"""
TWICE = "SELECT trigger, event_seq, count(*) FROM decisions GROUP BY 1, 2 HAVING count(*) > 1"


async def introduce(server):
    """Let the log know two ids of each person."""
    for n in range(PEOPLE):
        identify = {"type": "identify", "userId": f"u{n}", "anonymousId": f"a{n}", "messageId": f"identify-{n}"}
        assert (await server.ask("POST", "/v1/identify", identify))[0] == 200


async def rush(server):
    """Ask 256 times at once, half of it under each id; return how many decisions each answer names."""

    async def one(n):
        person = n % PEOPLE
        user, anonymous = (f"u{person}", None) if n // PEOPLE % 2 else (None, f"a{person}")
        name = "Product Viewed" if n % 16 == 5 else "Product Added"
        return await server.score(user, name, f"rush-{n}", anonymous=anonymous, cart_id=f"c{person}", price=2)

    return await asyncio.gather(*(one(n) for n in range(REQUESTS)))


def sent_to(decisions):
    """Return for each person the triggers whose messages were sent, in the order in which they were decided."""
    found = {}
    for person, _, trigger in sorted(decisions, key=lambda row: (row[0], row[1], ORDER.index(row[2]))):
        found.setdefault(person, []).append(trigger)
    return found


async def settled(database):
    """Wait until nothing is pending any more, timers included."""
    async with asyncio.timeout(60):
        while rows(database, "SELECT 1 FROM timers UNION ALL SELECT 1 FROM outbox WHERE status = 'pending' LIMIT 1"):
            await asyncio.sleep(0.1)


async def test_caps_cool_downs_and_claims_hold_for_256_requests_at_once_and_three_dispatchers(tmp_path):
    async with receiving() as receiver, serving(tmp_path, POLICY, receiver.url, dispatchers=2) as server:
        receiver.delay_s = 0.05
        await introduce(server)
        answers = await rush(server)
        with opened(tmp_path) as database:
            await settled(database)
            sent = sent_to(rows(database, SENT))
            twice = rows(database, TWICE)
            messages = rows(database, "SELECT message_id, status, attempts FROM outbox")
            attempts = rows(database, "SELECT message_id, attempt FROM deliveries")

    assert len(answers) == REQUESTS
    assert len(sent) == PEOPLE
    assert twice == []
    for triggers in sent.values():
        assert triggers.count("once") == triggers.count("left-behind") == 1
        assert triggers.count("every-cart") <= 3
        # Of all that was sent, whatever the trigger, five messages leave no room for another of those with a cap.
        assert not {"every-cart", "every-view"} & set(triggers[5:])
        assert len(triggers) > 5
    assert {status for _, status, _ in messages} == {"delivered"}
    assert {count for _, _, count in messages} == {1}
    assert sorted(receiver.ids) == sorted(message_id for message_id, *_ in messages)
    assert max(Counter(attempts).values()) == 1
    assert len(receiver.bodies) == len(receiver.ids) == sum(map(len, sent.values()))


async def test_two_dispatchers_never_send_what_the_other_has_under_way_to_a_slow_receiver(tmp_path):
    numbers = range(60)
    with a_database(tmp_path) as database:
        messages = [Message(f"msg_{n}", f"d{n}.cart", "mail", f'{{"n":{n}}}', wall()) for n in numbers]
        with database.begin() as connection:
            outbox.enqueue(connection, messages, at=wall())
        async with receiving() as receiver:
            receiver.delay_s = 0.3
            both = [
                Dispatcher(
                    OwnTransactions(database),
                    {"mail": webhook("mail", receiver.url, SECRET)},
                    wall=wall,
                    concurrency=5,
                    timeout_s=1.0,
                    look_every_s=0.01,
                )
                for _ in range(2)
            ]
            running = [asyncio.create_task(each.run()) for each in both]
            await receiver.number(len(numbers))
            for each in both:
                each.stop()
            await asyncio.gather(*running)
        found = rows(database, "SELECT status, attempts, count(*) FROM outbox GROUP BY 1, 2")

    assert found == [("delivered", 1, len(numbers))]
    assert Counter(receiver.ids) == Counter(f"msg_{n}" for n in numbers)
