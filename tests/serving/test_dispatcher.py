"""The dispatcher against real receivers on loopback ports, each of which verifies the signatures."""

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from serving import outbox
from serving.claims import take
from serving.clock import wall
from serving.dispatcher import Dispatcher
from serving.endpoints import webhook
from serving.message import Message
from tests.serving.databases import SECOND, OwnTransactions, database, rows
from tests.serving.receivers import SECRET, free_port, receiving

__all__ = ["database"]
LEASE_S = 30


class Hands:
    """A wall clock that can be put forward; it begins some minutes slow, which signatures tolerate."""

    def __init__(self):
        self.offset = -280 * SECOND

    def __call__(self):
        return wall() + self.offset

    def forward(self, seconds):
        self.offset += int(seconds * SECOND)


class Attempts:
    """Finished attempts, in order, and a way to wait for as many as are expected."""

    def __init__(self):
        self.made = []
        self._more = asyncio.Event()

    def __call__(self, attempt):
        self.made.append(attempt)
        self._more.set()

    async def number(self, count):
        async with asyncio.timeout(10):
            while len(self.made) < count:
                self._more.clear()
                await self._more.wait()
        assert len(self.made) == count


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def attempts():
    return Attempts()


@asynccontextmanager
async def running(dispatcher):
    """Let a dispatcher work until the block is left."""
    working = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        async with asyncio.timeout(10):
            await working


@asynccontextmanager
async def dispatching(database, clock, attempts, *, writer=None, **urls_and_options):
    options = {
        key: urls_and_options.pop(key) for key in ("concurrency", "timeout_s", "ceilings") if key in urls_and_options
    }
    endpoints = {name: webhook(name, url, SECRET) for name, url in urls_and_options.items()}
    writer = writer or OwnTransactions(database)
    async with running(Dispatcher(writer, endpoints, wall=clock, observe=attempts, **options)) as dispatcher:
        yield dispatcher


def enqueue(database, clock, *numbers, to="mail"):
    messages = [Message(f"msg_{to}_{n}", f"d{n}.cart", to, f'{{"n":{n}}}', clock()) for n in numbers]
    with database.begin() as connection:
        outbox.enqueue(connection, messages, at=clock())


def standing(database):
    return rows(database, "SELECT status, attempts, last_error FROM outbox ORDER BY message_id")


def a_dead_address():
    return f"http://127.0.0.1:{free_port()}/"


async def test_what_is_enqueued_arrives_signed(database, clock, attempts):
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
        enqueue(database, clock, 1, 2, 3)
        dispatcher.wake()
        await attempts.number(3)

    assert sorted(receiver.ids) == ["msg_mail_1", "msg_mail_2", "msg_mail_3"]
    assert sorted(each["n"] for each in receiver.bodies) == [1, 2, 3]
    assert standing(database) == [("delivered", 1, None)] * 3


async def test_what_waited_while_nobody_ran_goes_out_at_the_start(database, clock, attempts):
    enqueue(database, clock, 1)
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url):
        await attempts.number(1)

    assert standing(database) == [("delivered", 1, None)]


async def test_a_failing_receiver_gets_it_again_under_the_same_id(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        receiving(500, 503, 200) as receiver,
        dispatching(database, clock, attempts, mail=receiver.url) as dispatcher,
    ):
        await attempts.number(1)
        assert standing(database) == [("pending", 1, "the receiver answered 500")]
        for count, pause_s in ((2, 5), (3, 300)):
            clock.forward(pause_s)
            dispatcher.wake()
            await attempts.number(count)

    assert receiver.ids == ["msg_mail_1"] * 3
    assert standing(database) == [("delivered", 3, None)]
    assert rows(database, "SELECT attempt, status_code FROM deliveries ORDER BY attempt") == [
        (1, 500),
        (2, 503),
        (3, 200),
    ]


async def test_a_retry_goes_out_by_itself_when_it_is_due(database, clock, attempts):
    enqueue(database, clock, 1)
    async with receiving(500, 200) as receiver, dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
        await attempts.number(1)
        clock.forward(4.9)
        dispatcher.wake()
        await attempts.number(2)

    assert attempts.made[1].at - (attempts.made[0].at + attempts.made[0].duration_us) >= 5 * SECOND


async def test_a_dead_receiver_costs_an_attempt_and_says_why(database, clock, attempts):
    enqueue(database, clock, 1)
    async with dispatching(database, clock, attempts, mail=a_dead_address()):
        await attempts.number(1)

    assert standing(database) == [("pending", 1, "no connection: Connection refused")]
    assert rows(database, "SELECT status_code, error FROM deliveries") == [(None, "no connection: Connection refused")]


async def test_a_receiver_that_hangs_is_given_up(database, clock, attempts):
    enqueue(database, clock, 1)
    async with receiving() as receiver:
        receiver.gate.clear()
        async with dispatching(database, clock, attempts, mail=receiver.url, timeout_s=0.2):
            await attempts.number(1)
        receiver.gate.set()

    assert standing(database) == [("pending", 1, "no answer within 0.2 s")]


async def test_a_redirect_is_not_followed(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        receiving() as elsewhere,
        receiving((307, {"Location": elsewhere.url})) as receiver,
        dispatching(database, clock, attempts, mail=receiver.url),
    ):
        await attempts.number(1)

    assert elsewhere.ids == []
    assert standing(database) == [("pending", 1, "the receiver answered 307")]


async def test_an_endpoint_that_is_gone_gets_nothing_more_until_its_address_changes(database, clock, attempts):
    enqueue(database, clock, 1)
    async with receiving(410) as receiver, receiving() as moved:
        async with dispatching(database, clock, attempts, mail=receiver.url):
            await attempts.number(1)
            enqueue(database, clock, 2)
        enqueue(database, clock, 3)
        async with dispatching(database, clock, attempts, mail=receiver.url):
            pass
        enqueue(database, clock, 4)
        async with dispatching(database, clock, attempts, mail=moved.url):
            await attempts.number(2)

    disabled = "the endpoint mail answered 410 Gone and is disabled until its address is changed"
    assert (receiver.ids, moved.ids) == (["msg_mail_1"], ["msg_mail_4"])
    assert standing(database) == [
        ("dead", 1, "the receiver answered 410"),
        ("dead", 0, disabled),
        ("dead", 0, disabled),
        ("delivered", 1, None),
    ]


async def test_a_receiver_that_asks_for_quiet_gets_it_while_others_go_on(database, clock, attempts):
    enqueue(database, clock, 1)
    async with (
        receiving((429, {"Retry-After": "120"}), 200) as busy,
        receiving() as other,
        dispatching(database, clock, attempts, mail=busy.url, sms=other.url) as dispatcher,
    ):
        await attempts.number(1)
        enqueue(database, clock, 2)
        enqueue(database, clock, 1, to="sms")
        dispatcher.wake()
        await attempts.number(2)
        assert (busy.ids, other.ids) == (["msg_mail_1"], ["msg_sms_1"])
        clock.forward(120)
        dispatcher.wake()
        await attempts.number(4)

    assert standing(database) == [("delivered", 2, None), ("delivered", 1, None), ("delivered", 1, None)]


async def test_a_slow_receiver_delays_nobody_else_and_is_not_crowded(database, clock, attempts):
    enqueue(database, clock, *range(40))
    enqueue(database, clock, *range(10), to="sms")
    async with receiving() as slow, receiving() as quick:
        slow.gate.clear()
        async with dispatching(database, clock, attempts, mail=slow.url, sms=quick.url, concurrency=4):
            await attempts.number(10)
            assert len(quick.ids) == 10
            assert len(slow.ids) <= 4
            slow.gate.set()
            await attempts.number(50)

    assert len(set(slow.ids)) == len(slow.ids) == 40


async def test_stopping_waits_for_what_is_under_way_and_takes_nothing_new(database, clock, attempts):
    enqueue(database, clock, 1, 2)
    async with receiving() as receiver:
        receiver.gate.clear()
        arrived = asyncio.Event()
        receiver.on_request = arrived.set
        async with dispatching(database, clock, attempts, mail=receiver.url, concurrency=1) as dispatcher:
            await asyncio.wait_for(arrived.wait(), 10)
            dispatcher.stop()
            receiver.gate.set()

    assert standing(database) == [("delivered", 1, None), ("pending", 0, None)]


async def test_what_is_on_its_way_when_the_clock_goes_ahead_is_not_sent_twice(database, clock, attempts):
    enqueue(database, clock, 1)
    async with receiving() as receiver:
        receiver.gate.clear()
        async with dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
            await receiver.number(1)
            clock.forward(2 * LEASE_S)
            enqueue(database, clock, 2)
            dispatcher.wake()
            await receiver.number(2)
            receiver.gate.set()
            await attempts.number(2)

    assert receiver.ids == ["msg_mail_1", "msg_mail_2"]
    assert standing(database) == [("delivered", 1, None), ("delivered", 1, None)]


class FullDisk(OwnTransactions):
    """A writer whose disk is full some of the time."""

    def __init__(self, database):
        super().__init__(database)
        self.full = False
        self.refused = asyncio.Event()

    async def write(self, job):
        if self.full:
            self.refused.set()
            raise OSError(28, "No space left on device")
        return await super().write(job)


async def test_while_the_disk_is_full_nothing_is_sent_twice_and_no_answer_is_lost(database, clock, attempts):
    enqueue(database, clock, 1)
    writer = FullDisk(database)
    async with receiving() as receiver:
        receiver.on_request = lambda: setattr(writer, "full", True)
        async with dispatching(database, clock, attempts, writer=writer, mail=receiver.url):
            await asyncio.wait_for(writer.refused.wait(), 10)
            writer.full = False
            await attempts.number(1)

    assert receiver.ids == ["msg_mail_1"]
    assert standing(database) == [("delivered", 1, None)]


async def test_messages_for_an_endpoint_nobody_configured_wait_and_are_spoken_of(database, clock, attempts, caplog):
    enqueue(database, clock, 1, to="fax")
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
        enqueue(database, clock, 1)
        dispatcher.wake()
        await attempts.number(1)

    assert "fax" in caplog.text
    assert standing(database) == [("pending", 0, None), ("delivered", 1, None)]


async def test_no_address_and_no_secret_is_ever_written_down(database, clock, attempts, caplog):
    caplog.set_level("DEBUG")
    enqueue(database, clock, 1)
    enqueue(database, clock, 1, to="sms")
    async with receiving(500) as receiver:
        addresses = {"mail": receiver.url + "?token=T0K3N", "sms": "http://T0K3N:T0K3N@[::1%25T0K3N]:1/T0K3N"}
        async with dispatching(database, clock, attempts, **addresses):
            await attempts.number(2)

    written = (
        caplog.text + repr(rows(database, "SELECT * FROM outbox")) + repr(rows(database, "SELECT * FROM deliveries"))
    )
    assert "T0K3N" not in written
    assert SECRET.removeprefix("whsec_") not in written


CHILD = """
import asyncio, sys
from pathlib import Path
from serving.clock import wall
from serving.database import open_database
from serving.dispatcher import Dispatcher
from serving.endpoints import webhook
from tests.serving.databases import OwnTransactions

folder, url, secret = sys.argv[1:]
database = open_database(Path(folder) / "opportune.db")
asyncio.run(Dispatcher(OwnTransactions(database), {"mail": webhook("mail", url, secret)}, wall=wall).run())
"""


async def test_a_dispatcher_that_is_killed_is_followed_by_one_that_sends_under_the_same_id(
    database, clock, attempts, tmp_path
):
    clock.forward(280)
    enqueue(database, clock, 1)
    async with receiving() as receiver:
        receiver.gate.clear()
        arrived = asyncio.Event()
        receiver.on_request = arrived.set
        arguments = ("-c", CHILD, str(tmp_path), receiver.url, SECRET)
        child = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        try:
            await asyncio.wait_for(arrived.wait(), 30)
        finally:
            child.kill()
            await child.wait()
        receiver.gate.set()
        assert standing(database) == [("pending", 1, None)]
        clock.forward(LEASE_S)
        async with dispatching(database, clock, attempts, mail=receiver.url):
            await attempts.number(1)

    assert receiver.ids == ["msg_mail_1", "msg_mail_1"]
    assert standing(database) == [("delivered", 2, None)]


async def test_a_crash_between_claim_and_send_loses_nothing(database, clock, attempts):
    enqueue(database, clock, 1)
    with database.begin() as connection:
        assert take(connection, "mail", at_most=1, at=clock(), lease_us=LEASE_S * SECOND)
    async with receiving() as receiver, dispatching(database, clock, attempts, mail=receiver.url) as dispatcher:
        clock.forward(LEASE_S)
        dispatcher.wake()
        await attempts.number(1)

    assert receiver.ids == ["msg_mail_1"]
    assert standing(database) == [("delivered", 2, None)]
